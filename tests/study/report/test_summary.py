"""The report's sentences."""

import pytest

from study.report.content import collect
from study.report.summary import words
from study.study import open_study


@pytest.mark.slow
def test_without_variation_the_baseline_is_best(make_study):
    alone = make_study("baseline: {prompt: text, timestep: 50}")
    report = collect(open_study(alone))
    assert report.best.is_baseline
    assert report.sections == ()
    assert "nothing else that was measured is better" in words(report).headline
    assert {example.why for example in report.gallery.examples} == {"easiest", "typical", "hardest"}
