"""The loop: generations, exact inner search, what samplers get, and repeated launches."""

import math
from collections import Counter

import optuna
import pytest
from optuna.trial import TrialState

import study
from sd4match.errors import SD4MatchError

pytestmark = pytest.mark.slow

SPACE = """
baseline: {prompt: empty, ensemble: 1}
axes:
  prompt: [empty, text, single]
  length: [2, 4]
  timestep: [0, 50, 100, 261]
  layer: [0, 1]
  kernel: [3, 5, 30]
data: {evaluate: [pf_pascal, pf_willow], pairs: 4}
search: {sampler: random, samples: 6, generation: 2, seed: 3}
"""


def points(trials):
    return [trial.params for trial in trials]


def states(trials):
    return [trial.state.name for trial in trials]


def val(plan):
    return [cell for cell in plan.cells if cell.data.split == "val"]


def test_a_trial_is_worth_the_best_of_its_free_grid(searching):
    plans = searching.launch(SPACE)
    *generations, final = plans
    assert len(generations) == 3
    for plan in generations:
        assert {cell.data.split for cell in plan.cells} == {"val"}
        for extraction, stages in plan.extractions.values():
            # Two layers and three kernel widths, all from one pass.
            assert [len(plan.settings[stage.key]) for stage in stages] == [6], extraction
    for trial in searching.trials:
        # `usefulness` is highest there, whatever is paid for.
        assert (trial.user_attrs["layer"], trial.user_attrs["kernel"]) == (1, 5.0)
        (study,) = searching.studies().values()
        assert study.metric_names == ["pf_pascal/val/pck@0.1"]
    top = max(searching.trials, key=lambda trial: trial.value)
    tested = {c.configuration.key for c in final.cells if c.data.split == "test"}
    baseline = searching.space(SPACE).baseline
    assert tested == {top.user_attrs["configuration"], baseline.key}
    assert {cell.data.dataset for cell in final.cells} == {"pf_pascal", "pf_willow"}


def test_an_axis_that_means_nothing_is_not_proposed(searching):
    searching.launch(SPACE, "search.samples=20")
    for trial in searching.trials:
        assert ("length (rank)" in trial.params) == (trial.params["prompt"] == "single")


def test_a_second_launch_computes_and_proposes_nothing(searching):
    searching.launch(SPACE)
    first = searching.trials
    searching.launch(SPACE)
    assert searching.computed == [[]] * 4
    assert searching.trials == first


def test_every_point_is_proposed_once_and_then_the_search_ends(searching):
    searching.launch(SPACE, "search.samples=40", "axes.length=[2]")
    distinct = {tuple(trial.params.items()) for trial in searching.trials}
    assert len(searching.trials) == len(distinct) == 3 * 4
    assert [trial.number for trial in searching.trials] == list(range(12))


def test_a_finished_search_goes_on_with_more_samples(searching, tmp_path_factory, shapes_root):
    searching.launch(SPACE, "search.samples=3")  # in the midst of a generation
    begun = searching.trials
    searching.launch(SPACE, "search.samples=8")
    assert searching.trials[:3] == begun
    whole = type(searching)(tmp_path_factory.mktemp("whole"), shapes_root)
    whole.launch(SPACE, "search.samples=8")
    assert points(searching.trials) == points(whole.trials)
    assert [t.values for t in searching.trials] == [t.values for t in whole.trials]


@pytest.mark.parametrize("sampler", ["tpe", "gp", "nsgaii"])
def test_an_interrupted_search_ends_as_if_it_had_not_been(
    searching, tmp_path_factory, shapes_root, sampler
):
    options = (f"search.sampler={sampler}", "search.samples=14")
    searching.launch(SPACE, *options, until=2)
    assert states(searching.trials) == ["COMPLETE"] * 2 + ["RUNNING"] * 2
    searching.launch(SPACE, *options)
    whole = type(searching)(tmp_path_factory.mktemp("whole"), shapes_root)
    whole.launch(SPACE, *options)
    assert points(searching.trials) == points(whole.trials)
    assert states(searching.trials) == ["COMPLETE"] * 14
    assert [t.values for t in searching.trials] == [t.values for t in whole.trials]


def test_given_points_come_first_and_once(searching):
    given = "search.points=[{prompt: text, timestep: 100},{prompt: single, length: 4}]"
    searching.launch(SPACE, given)
    searching.launch(SPACE, given, "search.samples=8")
    first, second, *others = (trial.user_attrs for trial in searching.trials)
    assert (first["prompt"], first["timestep"]) == ("text", 100)
    assert (second["prompt"], second["length"]) == ("single", 4)
    assert second["timestep"] in (0, 50, 100, 261)  # left to the sampler
    assert len(others) == 6
    assert [u["timestep"] for u in others[:2]] != [100, second["timestep"]]


def test_what_cannot_be_measured_fails_and_nothing_keeps_running(searching):
    def holes(stage, setting):
        return None if stage.extraction.timestep == 50 else 0.5

    searching.launch(SPACE, "search.samples=12", "search.sampler=tpe", useful=holes)
    for trial in searching.trials:
        failed = trial.user_attrs["timestep"] == 50
        assert trial.state == (TrialState.FAIL if failed else TrialState.COMPLETE)
        assert failed or not math.isnan(trial.value)
    assert {"FAIL", "COMPLETE"} == set(states(searching.trials))


def test_what_a_shorter_launch_leaves_running_is_given_up(searching):
    searching.launch(SPACE, until=3)
    searching.launch(SPACE, "search.samples=4")
    assert states(searching.trials) == ["COMPLETE"] * 4 + ["FAIL"] * 2


def stop_single(plan):
    return dict.fromkeys(plan.tunes, "stopped early by ASHA on pf_pascal after epoch 1")


def test_a_stopped_prompt_is_told_as_pruned_and_not_paid_again(searching):
    options = ("search.samples=16", "search.sampler=tpe")
    searching.launch(SPACE, *options, stop=stop_single)
    for trial in searching.trials:
        learned = trial.params["prompt"] == "single"
        assert trial.state == (TrialState.PRUNED if learned else TrialState.COMPLETE)
    stopped = Counter(states(searching.trials))["PRUNED"]
    assert stopped > 1
    plans = searching.launch(SPACE, *options)  # ASHA does not stop any this time
    assert Counter(states(searching.trials))["PRUNED"] == stopped
    assert searching.computed == [[]] * len(plans)
    reasons = {cell.missing for plan in plans for cell in plan.cells if cell.tune}
    assert reasons == {"stopped early by ASHA on pf_pascal after epoch 1"}


def test_a_winner_found_is_tested_even_where_its_sibling_was_stopped(searching):
    # The baseline's own prompt is stopped as a proposal; as the reference it is learned.
    learned = ("baseline.prompt=single", "baseline.length=2", "axes.length=[2]")
    plans = searching.launch(SPACE, *learned, "search.samples=10", stop=stop_single)
    assert "PRUNED" in states(searching.trials)
    final = plans[-1]
    baseline = searching.space(SPACE, *learned).baseline
    assert baseline in {cell.configuration for cell in final.cells if not cell.missing}
    assert [label for label in searching.computed[-1] if label.startswith("predict prompt")]


@pytest.mark.parametrize("given", ["", "search.points=[{prompt: text, timestep: 100}]"])
def test_a_grid_takes_every_point_once_whatever_the_samples(searching, given):
    searching.launch(SPACE, "search.sampler=grid", "search.samples=2", *filter(None, [given]))
    distinct = {tuple(sorted(trial.params.items())) for trial in searching.trials}
    # `empty` and `text` at four timesteps, `single` at two lengths besides.
    assert len(distinct) == len(searching.trials) == 4 + 4 + 8
    first = searching.trials[0].user_attrs
    assert (first["prompt"], first["timestep"]) == (("text", 100) if given else ("empty", 0))
    searching.launch(SPACE, "search.sampler=grid", *filter(None, [given]))
    assert len(searching.trials) == 16


def test_another_question_is_another_optuna_study(searching):
    searching.launch(SPACE)
    searching.launch(SPACE, "data.pairs=3")
    searching.launch(SPACE, "search.seed=4")
    searching.launch(SPACE, "search.samples=7")  # the first question again
    sizes = [len(study.get_trials()) for study in searching.studies().values()]
    assert sorted(sizes) == [6, 6, 7]


def test_another_image_encoder_is_another_optuna_study(searching):
    fused = "axes.fusion=[none,dino]"
    searching.launch(SPACE, fused)
    searching.launch(SPACE, fused, "image_encoders.dino=facebook/dinov2-small")
    assert len(searching.studies()) == 2


def test_a_database_is_as_good_as_a_journal(searching, tmp_path):
    url = f"sqlite:///{tmp_path / 'search.db'}"
    searching.launch(SPACE)
    searching.launch(SPACE, f"search.storage={url}")
    (journal,), (database,) = searching.studies().values(), searching.studies(url).values()
    assert journal.study_name == database.study_name
    assert points(database.get_trials()) == points(journal.get_trials())
    assert [t.values for t in database.get_trials()] == [t.values for t in journal.get_trials()]


def test_a_storage_that_cannot_be_opened_is_one_line(searching, tmp_path):
    (tmp_path / "broken.journal").write_text("no journal\n")
    for storage in ("nosuch://host/name", str(tmp_path / "broken.journal")):
        with pytest.raises(SD4MatchError, match=r"search\.storage .*cannot be opened") as error:
            searching.launch(SPACE, f"search.storage={storage}")
        assert "\n" not in str(error.value)


def test_a_record_of_other_proposals_is_refused(searching, tmp_path):
    searching.launch(SPACE, "search.samples=2")
    (study,) = searching.studies().values()
    url = f"sqlite:///{tmp_path / 'search.db'}"
    elsewhere = optuna.create_study(study_name=study.study_name, storage=url, direction="maximize")
    elsewhere.add_trials(study.get_trials()[::-1])  # another machine's sampler, another order
    with pytest.raises(SD4MatchError, match=f"proposed another trial 0 of {study.study_name}"):
        searching.launch(SPACE, f"search.storage={url}")


def test_a_trial_is_worth_the_mean_over_its_seeds(searching):
    def useful(stage, setting):
        lucky = stage.extraction.seed == 1
        return 0.6 if stage.extraction.prompt == "text" else 0.9 if lucky else 0.1

    space = """
baseline: {prompt: empty, ensemble: 1}
axes: {prompt: [empty, text], kernel: [3, 5]}
seeds: 3
data: {evaluate: [pf_pascal], pairs: 4}
search: {sampler: grid}
"""
    *generations, final = searching.launch(space, useful=useful)
    tested = [c.configuration for c in final.cells if c.data.split == "test"]
    every = [(prompt, seed) for prompt in ("text", "empty") for seed in range(3)]
    assert [(c["prompt"], c["seed"]) for c in tested] == every
    assert [trial.params for trial in searching.trials] == [{"prompt": "empty"}, {"prompt": "text"}]
    measured = {(c["prompt"], c["seed"]) for p in generations for c in p.by_configuration}
    assert measured == set(every)
    # Seed 1 of `empty` is lucky: 0.9, and 0.1 otherwise.
    values = [trial.value for trial in searching.trials]
    assert values == pytest.approx([(0.1 + 0.9 + 0.1) / 3, 0.6], abs=0.12)  # of few keypoints
    chosen = study.open(searching.folder / "results" / "mine").best()
    assert (chosen["prompt"], chosen.name) == ("text", tested[0].key)
