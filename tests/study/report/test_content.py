"""What a report says, against the study itself."""

import json
import shlex

import pytest

from study.analysis.statistics.stats import difference, interval
from study.report.content import collect
from study.report.summary import words
from study.report.writing import html
from study.space.designs import configurations
from study.space.reading import load
from study.study import open_study

pytestmark = pytest.mark.slow


def test_the_best_one_is_the_studys_with_its_intervals(study, content):
    best = content.best
    assert best.key == study.best().name != study.baseline
    assert best.value == float(study.best().iloc[-1])
    for score in best.scores:
        own = study.samples(best.key, score.dataset, score.split, score.alpha)
        base = study.samples(study.baseline, score.dataset, score.split, score.alpha)
        around, gap = interval(own), difference(own, base)
        for found, wanted in (
            ((score.pck, score.low, score.high), (around.mean, around.low, around.high)),
            ((score.gap.effect, score.gap.low, score.gap.high), (gap.effect, gap.low, gap.high)),
        ):
            assert found == pytest.approx(wanted, nan_ok=True)
    assert {score.alpha for _, row in best.by_alpha for score in row} == set(study.rule.alphas)
    own, base = (study.configurations().loc[key] for key in (best.key, study.baseline))
    assert [axis for axis, *_ in best.changed] == own.index[(own != base) & own.notna()].tolist()


def test_the_command_asks_for_the_best_configuration_and_no_other(content):
    _, _, file, *overrides = shlex.split(content.best.command)
    space = load(file, overrides)
    assert [configuration.key for configuration in configurations(space)] == [content.best.key]


def test_a_search_reports_before_its_baseline_is_measured(copied):
    file = copied / "study.json"
    facts = json.loads(file.read_text())
    file.write_text(json.dumps(facts | {"baseline": "0123456789"}))
    report = collect(open_study(file.parent))
    assert report.sections == ()
    assert [score.gap for score in report.best.scores] == [None] * 5
    assert [axis for axis, *_ in report.best.changed] == ["prompt", "timestep", "layer", "kernel"]
    assert len(report.gallery.choices) == 5
    assert "timestep = 50" in words(report).headline
    assert "as in the baseline" in html(report)
