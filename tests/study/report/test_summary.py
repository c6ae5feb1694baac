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


@pytest.mark.slow
def test_the_headline_names_what_differs_and_applies(make_study):
    text = (
        "baseline: {prompt: single, timestep: 261}\naxes: {prompt: [single, text], timestep: [50]}"
    )
    report = collect(open_study(make_study(f"{text}\ndesign: factorial", leave_out=_learned)))
    assert words(report).headline == (
        "Best: prompt = text and timestep = 50; everything else as in the baseline."
    )


def _learned(stage):
    """Only what is not learned was measured at the new timestep, so that it is the best."""
    return stage.extraction.tuned and stage.extraction.timestep == 50
