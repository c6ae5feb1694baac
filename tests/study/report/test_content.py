"""What a report says, against the study itself."""

import json
import shlex
import time
from dataclasses import replace

import pytest

from study.analysis.statistics.stats import difference, interval
from study.figures import kinds
from study.report.content import collect
from study.report.influence import verdict
from study.report.summary import words
from study.report.writing import html
from study.space.designs import configurations
from study.space.reading import load
from study.store import heartbeat
from study.study import open_study
from study.tables import status

from .conftest import HOSTILE, SPACE


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


def test_the_command_asks_for_the_best_configuration_and_no_other(content):
    _, _, file, *overrides = shlex.split(content.best.command)
    space = load(file, overrides)
    assert [configuration.key for configuration in configurations(space)] == [content.best.key]


def test_axes_are_ranked_by_the_studys_importance(study, content):
    found = study.importance()
    assert [one.axes for one in content.ranking.influences] == [(axis,) for axis in found["axis"]]
    assert [one.value for one in content.ranking.influences] == found["value"].tolist()
    assert [section.axis for section in content.sections] == found["axis"].tolist()
    assert set(study.axes) == {"prompt", "timestep", "layer", "kernel"} == set(found["axis"])
    assert content.ranking.unit == "points"
    assert study.metric in content.ranking.what


def test_a_verdict_counts_the_values_that_differ(study, content):
    verdicts = {section.axis: section.verdict for section in content.sections}
    assert verdicts["timestep"] == "of 1 other value, 1 worse than the baseline on test"
    raw = study.table("timestep").raw
    assert "1 better" in verdict(raw.assign(effect=-raw["effect"]))
    assert verdict(raw.assign(mark="")) == (
        "of 1 other value, none is shown to differ from the baseline on test"
    )


def test_interactions_are_named_by_both_axes(make_study):
    crossed = make_study(SPACE.split("axes")[0] + "axes: {timestep: [50, 261], layer: [0, 1]}",
                         "design=factorial")  # fmt: skip
    report = collect(open_study(crossed))
    assert ("timestep", "layer") in {one.axes for one in report.ranking.influences}
    assert report.ranking.unit == "%"
    page = html(report)
    assert "timestep t × UNet layer" in page
    assert "Share of variance" in page


def test_every_figure_without_a_model_is_shown(study, content):
    wanted = {
        view.stem
        for view in kinds.applicable(study)
        if view.kind.reads != "model" and view.kind.name not in ("examples", "importance")
    }
    own = {section.picture.stem for section in content.sections}
    rest = {picture.stem for picture in content.pictures}
    assert own == {f"axis-{axis}" for axis in study.axes}
    assert own | rest == wanted
    assert not own & rest


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


def test_examples_do_without_images(copied):
    file = copied / "study.yaml"
    file.write_text(file.read_text().replace("shapes", "gone"))
    gallery = collect(open_study(copied)).gallery
    assert gallery.examples == ()
    assert len(gallery.reasons) == 3
    assert all("gone" in reason for reason in gallery.reasons)


def test_what_failed_is_counted_and_told(partial):
    assert partial.progress.cells == partial.progress.done + partial.progress.failed == 25
    assert partial.progress.failed == 5
    assert partial.progress.pending == 0
    (hole,) = partial.holes
    assert hole.cells == 5
    assert HOSTILE in hole.reason
    assert "timestep=261" in hole.examples[0]
    timestep = next(section for section in partial.sections if section.axis == "timestep")
    assert "none is shown" in timestep.verdict


def test_a_study_that_runs_says_so(make_study):
    folder = make_study(leave_out=lambda stage: stage.data.dataset == "spair")
    report = collect(open_study(folder))
    assert report.progress.pending == 2 * 5
    assert report.best is None
    assert "not measured yet" in report.no_best
    assert "was interrupted: 10 of 25 cells" in words(report).unfinished
    snapshot = {
        "phase": status.COMPUTING, "seconds": 200, "workers": 2, "left": [300, 300], "best": None,
        "work": {"predict": {"total": 4, "computed": 0, "done": 1, "failed": 0, "stopped": 0}},
        "running": [], "incidents": [], "failed": 0, "failures": [],
    }  # fmt: skip
    with heartbeat.beating(folder, lambda: snapshot):
        deadline = time.monotonic() + 10
        while not (folder / heartbeat.NAME).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        report = collect(open_study(folder))
    assert "still runs (3 min 20 s on 2 workers, about 5 min 00 s left)" in words(report).unfinished
    assert "1/4" in html(report)
    nothing = collect(open_study(make_study(leave_out=lambda stage: True)))
    assert nothing.progress.done == 0
    assert words(nothing).share == 0


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


def test_intervals_that_include_zero_are_no_difference(content):
    score = content.best.scores[0]
    for low, high, short, said in (
        (-0.01, 0.03, "no difference shown", "shows no difference (the interval includes 0)"),
        (0.01, 0.03, "better than", "is better than the baseline on PF-Pascal"),
        (-0.03, -0.01, "worse than", "is worse than the baseline on PF-Pascal"),
    ):
        one = replace(score, gap=replace(score.gap, low=low, high=high))
        assert short in one.gap.verdict
        report = replace(content, best=replace(content.best, scores=(one,)))
        assert said in words(report).chosen


def test_without_variation_the_baseline_is_best(make_study):
    alone = make_study("baseline: {prompt: text, timestep: 50}")
    report = collect(open_study(alone))
    assert report.best.is_baseline
    assert report.sections == ()
    assert "nothing that was tried beats it" in words(report).headline
    assert {example.why for example in report.gallery.examples} == {"easiest", "typical", "hardest"}


def test_work_is_counted_with_and_without_sharing(content):
    tunings, trials, predictions = content.work
    assert (tunings.shared, tunings.alone) == (0, 0)
    assert (trials.shared, trials.alone) == (3, 5)
    assert (predictions.shared, predictions.alone) == (3 * 5, 5 * 5)
    assert predictions.wall == "–"  # nobody launched it


def test_provenance_is_told(copied):
    study = open_study(copied)
    first, second, *_ = study.index["predict"].unique()
    machine = {
        "host": "node7", "system": "Linux 6", "cpu": "a CPU", "cores": 8, "memory_gb": 64.0,
        "gpus": [{"name": "a GPU", "memory_gb": 80.0}], "cuda": "13",
    }  # fmt: skip
    launch = {
        "started": "2026-11-26T10:00:00+00:00", "outcome": "finished",
        "command": ["study", "launch", "made"], "machines": [machine],
        "code": {"revision": "c0ffee" * 6, "diff": None},
        "time": {"preflight": {"wall_s": 1.0},
                 "predict": {"stages": 2, "wall_s": 90.0, "device_s": 180.0}},
    }  # fmt: skip
    record = {
        "backbones": {"nano": {"fingerprint": "f" * 64, "device": "cuda", "dtype": "float16"}},
        "seeds": {"configurations": [0, 1], "data": 0},
        "launches": [launch],
        "stages": {first: {"kind": "predict", "wall_s": 40.0, "device_s": 80.0},
                   second: {"kind": "predict", "wall_s": 50.0, "device_s": 100.0}},
    }  # fmt: skip
    study.folder.write_provenance(record)
    report = collect(open_study(copied))
    told = dict(report.origin)
    assert told["launch 1"] == (
        "2026-11-26T10:00:00+00:00, finished; study launch made; 2 × predict in 90 s"
    )
    assert told["machine node7"] == "a CPU, 8 cores, 64.0 GB, a GPU (80.0 GB), Linux 6"
    assert told["backbone nano"] == f"{'f' * 16}, cuda, float16"
    assert told["seeds"] == "configurations 0, 1, data 0"
    assert "c0ffee" in told["code"]
    assert (report.work[-1].computed, report.work[-1].wall, report.work[-1].device) == (
        "2", "90 s", "3 min 00 s",
    )  # fmt: skip
