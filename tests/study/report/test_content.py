"""What a report says, against the study itself."""

import json
import shlex
import shutil
from dataclasses import replace

import pytest

from study.report.content import collect
from study.report.summary import words
from study.report.writing import html
from study.space import load
from study.stats import difference, interval
from study.study import open_study
from study.tables import LEVEL

from .conftest import HOSTILE


@pytest.fixture(scope="module")
def content(whole):
    return collect(open_study(whole))


@pytest.fixture(scope="module")
def partial(holed):
    return collect(open_study(holed))


def test_the_best_one_is_the_studys_with_its_intervals(study, content):
    best = content.best
    assert best.key == study.best().name != study.baseline
    assert best.value == float(study.best().iloc[-1])
    for score in best.scores:
        own = study.samples(best.key, score.dataset, score.split, score.alpha)
        base = study.samples(study.baseline, score.dataset, score.split, score.alpha)
        around, gap = interval(own), difference(own, base)
        assert (score.pck, score.low, score.high) == (around.mean, around.low, around.high)
        assert (score.gap.effect, score.gap.low, score.gap.high) == (gap.effect, gap.low, gap.high)
    assert {score.alpha for _, row in best.by_alpha for score in row} == set(study.rule.alphas)
    own, base = (study.configurations().loc[key] for key in (best.key, study.baseline))
    assert [axis for axis, *_ in best.changed] == own.index[(own != base) & own.notna()].tolist()


def test_the_command_asks_for_the_best_configuration_and_no_other(study, content):
    (_, whole), (_, alone) = content.best.commands
    assert shlex.split(whole)[:2] == shlex.split(alone)[:2] == ["study", "launch"]
    _, _, file, *overrides = shlex.split(alone)
    assert study.folder.path.parents[1] / file == study.folder.path / "study.yaml"
    space = load(str(study.folder.path / "study.yaml"), overrides)
    assert [configuration.key for configuration in space.configurations()] == [content.best.key]


def test_an_axis_goes_as_far_as_its_values_do(study, content):
    by_axis = {section.axis: section.influence for section in content.sections}
    assert set(by_axis) == set(study.axes) == {"prompt", "timestep", "layer", "kernel"}
    spreads = [section.influence.spread for section in content.sections]
    assert spreads == sorted(spreads, reverse=True)
    timestep, raw = by_axis["timestep"], study.table("timestep").raw
    means = raw[raw["split"] == "val"].groupby("value")["pck"].mean()
    assert timestep.spread == pytest.approx(means[50] - means[261])
    assert (timestep.best[0], timestep.worst[0]) == ("50", "261")
    shown = raw[(raw["split"] == "test") & (raw["p_holm"] < LEVEL)]
    assert timestep.different == shown["configuration"].nunique() == 1
    assert "1 of 1 other value differs from the baseline" in timestep.words


def test_all_configurations_are_listed_the_best_first(study, content):
    grid = content.configurations
    names = [column.name for column in grid.columns]
    assert {len(row) for row in grid.rows} == {len(names)}
    keys = [row[names.index("configuration")].text for row in grid.rows]
    assert sorted(keys) == sorted(study.configurations().index)
    assert keys[0] == content.best.key
    ranked = [float(row[names.index("ranked by")].text) for row in grid.rows]
    assert ranked == sorted(ranked, reverse=True)


def test_examples_show_every_choice_as_the_scores_say(study, content):
    gallery = content.gallery
    assert gallery.reasons == ()
    assert {key for key, _ in gallery.choices} == set(study.configurations().index)
    assert gallery.choices[0][0] == content.best.key
    assert len(gallery.examples) == 3 * 3
    for dataset in ("pf_pascal", "spair"):
        own, base = (
            study.samples(key, dataset, "test", 0.1).pck
            for key in (content.best.key, study.baseline)
        )
        name = {"pf_pascal": "PF-Pascal", "spair": "SPair-71k"}[dataset]
        gain, _, loss = (one for one in gallery.examples if one.title.startswith(name))
        for example, wanted in ((gain, (own - base).max()), (loss, (own - base).min())):
            mine, other = (
                [right for *_, right in example.found[key]]
                for key in (content.best.key, study.baseline)
            )
            assert sum(mine) / len(mine) - sum(other) / len(other) == pytest.approx(wanted)
            assert len(mine) == len(example.source) == len(example.truth)
            assert all(-1 <= x <= example.width + 1 for x, *_ in example.found[content.best.key])


def test_examples_do_without_images(study, content, monkeypatch):
    text = (study.folder.path / "study.yaml").read_text()
    moved = text.replace("shapes", "gone")
    assert moved != text
    monkeypatch.setattr("study.report.connections.space_text", lambda study: moved)
    gallery = collect(study).gallery
    assert gallery.examples == ()
    assert len(gallery.reasons) == 3
    assert all("no images in" in reason for reason in gallery.reasons)


def test_what_failed_is_counted_and_told(partial):
    assert partial.progress.cells == partial.progress.done + partial.progress.failed == 25
    assert partial.progress.failed == 5
    assert partial.progress.pending == 0
    (hole,) = partial.holes
    assert hole.cells == 5
    assert HOSTILE in hole.reason
    assert "timestep=261" in hole.examples[0]
    timestep = next(section for section in partial.sections if section.axis == "timestep")
    assert timestep.influence is None


def test_a_study_that_runs_says_so(make_study):
    running = make_study(leave_out=lambda stage: stage.data.dataset == "spair")
    report = collect(open_study(running))
    assert report.progress.pending == 2 * 5
    assert report.best is None
    assert "not measured yet" in report.no_best
    assert "still runs or was interrupted" in words(report).unfinished
    nothing = collect(open_study(make_study(leave_out=lambda stage: True)))
    assert nothing.progress.done == 0
    assert words(nothing).share == 0


def test_a_search_reports_before_its_baseline_is_measured(whole, tmp_path):
    shutil.copytree(whole.parent, tmp_path / "results")
    file = tmp_path / "results" / whole.name / "study.json"
    facts = json.loads(file.read_text())
    file.write_text(json.dumps(facts | {"baseline": "0123456789"}))
    report = collect(open_study(file.parent))
    assert report.sections == ()
    assert [score.gap for score in report.best.scores] == [None] * 5
    assert [axis for axis, *_ in report.best.changed] == ["prompt", "timestep", "layer", "kernel"]
    assert len(report.gallery.choices) == 5
    assert "timestep = 50" in words(report).headline
    assert "as in the baseline" in html(report)


def test_intervals_that_include_zero_are_no_difference(content):
    score = content.best.scores[0]
    for low, high, verdict, said in (
        (-0.01, 0.03, "no difference shown", "shows no difference (the interval includes 0)"),
        (0.01, 0.03, "better than", "is better than the baseline on PF-Pascal"),
        (-0.03, -0.01, "worse than", "is worse than the baseline on PF-Pascal"),
    ):
        one = replace(score, gap=replace(score.gap, low=low, high=high))
        assert verdict in one.gap.verdict
        report = replace(content, best=replace(content.best, scores=(one,)))
        assert said in words(report).chosen


def test_without_variation_the_baseline_is_best(make_study):
    alone = make_study("baseline: {prompt: text, timestep: 50}")
    report = collect(open_study(alone))
    assert report.best.is_baseline
    assert report.sections == ()
    assert "nothing that was tried beats it" in words(report).headline
    assert {example.why for example in report.gallery.examples} == {"easiest", "typical", "hardest"}


def test_work_is_counted_with_and_without_sharing(study, content):
    tunings, trials, predictions = content.work
    assert (tunings.shared, tunings.alone) == (0, 0)
    assert (trials.shared, trials.alone) == (3, 5)
    assert (predictions.shared, predictions.alone) == (3 * 5, 5 * 5)
