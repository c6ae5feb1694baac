"""Several objectives: data sets and cost, the Pareto set, and what is measured for them."""

import itertools

import pytest
from optuna.samplers import NSGAIISampler, TPESampler
from optuna.trial import TrialState

import study
from sd4match.errors import SD4MatchError
from study.search.objectives import Objectives, Row, hypervolumes
from study.search.proposals import Proposals, TrialResult
from study.space.metric import COST
from study.store.study_folder import StudyFolder
from study.tables.best import best_report

SPACE = """
baseline: {prompt: empty, ensemble: 1}
axes: {prompt: [empty, text], timestep: [0, 100], ensemble: [1, 4], layer: [0, 1], kernel: [3, 5]}
data: {pairs: 4}
search: {sampler: random, samples: 12, objectives: [pf_pascal/val/pck@0.1, cost]}
"""


def rows_of(*values):
    return [Row(number, value[0], value) for number, value in enumerate(values)]


def test_the_pareto_set_is_what_nothing_else_matches():
    objectives = Objectives("mean/val/pck@0.1", ("mean/val/pck@0.1", COST))
    rows = rows_of((0.5, 2.0), (0.6, 3.0), (0.5, 1.0), (0.4, 1.0), (0.6, 3.0), (0.7, 9.0))
    # (0.5, 2) is as good as (0.5, 1) and costs more; of the two (0.6, 3) the first is enough.
    assert [row.configuration for row in objectives.pareto(rows)] == [5, 1, 2]
    assert objectives.best(rows).configuration == 5
    assert objectives.pareto([]) == []
    assert objectives.best([]) is None


def test_the_front_of_many_is_that_of_all_pairs():
    objectives = Objectives("a/val", ("a", "b", COST))
    values = list(itertools.product(range(3), (2, 0, 1), (1, 2)))
    rows = rows_of(*[(a, b, c + a * b) for a, b, c in values])

    def beaten(row):
        return any(
            all((o[0] >= r[0], o[1] >= r[1], o[2] <= r[2])) and o != r
            for r, o in ((row.values, other.values) for other in rows)
        )

    front = {row.values for row in objectives.pareto(rows)}
    assert front == {row.values for row in rows if not beaten(row)}
    assert 1 < len(front) < len(rows)


@pytest.mark.slow
def test_the_pareto_set_is_tested_and_the_best_and_the_baseline(searching):
    *_, final = searching.launch(SPACE)
    space = searching.space(SPACE)
    found = StudyFolder.of(space).read_search()
    assert found["objectives"] == {"pf_pascal/val/pck@0.1": "maximize", "cost": "minimize"}
    pcks, prices = zip(*found["chosen"].values(), strict=True)
    assert list(pcks) == sorted(set(pcks), reverse=True)
    assert list(prices) == sorted(set(prices), reverse=True)
    assert len(pcks) > 1
    tested = {c.configuration.key for c in final.cells if c.data.split == "test"}
    assert tested >= {*found["chosen"], space.baseline.key}
    assert len(tested) <= len(found["chosen"]) + 2
    assert {c.data.dataset for c in final.cells} == set(space.file.data.evaluate)
    (recorded,) = searching.studies().values()
    assert recorded.metric_names == ["pf_pascal/val/pck@0.1", "cost"]
    assert all(len(trial.values) == 2 for trial in recorded.get_trials())


@pytest.mark.slow
def test_the_pareto_set_is_an_answer(searching):
    searching.launch(SPACE)
    opened = study.open(StudyFolder.of(searching.space(SPACE)).path)
    front = opened.pareto()
    assert list(front.columns) == ["pf_pascal/val/pck@0.1", "cost"]
    assert (front["pf_pascal/val/pck@0.1"].diff().dropna() < 0).all()
    facts, text = best_report(opened, None)
    assert [row["configuration"] for row in facts["pareto"]] == list(front.index)
    assert "TFLOP per image" in text
    assert all(key in text for key in front.index)
    assert "pareto" not in best_report(opened, None, "prompt = 'text'")[0]


@pytest.mark.slow
def test_one_objective_has_no_pareto_set(searching):
    searching.launch(SPACE, "search.objectives=[]", "search.samples=2")
    assert study.open(StudyFolder.of(searching.space(SPACE)).path).pareto() is None


@pytest.mark.slow
def test_a_trial_takes_the_readout_setting_of_the_metric_and_tells_its_whole_front(searching):
    told = []
    tell = Proposals.tell
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Proposals, "tell", lambda *args: (told.append(args[2]), tell(*args)))
        searching.launch(SPACE, "search.sampler=nsgaii")
    (recorded,) = searching.studies().values()
    assert {(t.user_attrs["layer"], t.user_attrs["kernel"]) for t in recorded.trials} == {(1, 5.0)}
    # Layer 0 is worse than 1 and cheaper; of its kernel widths one is best.
    for trial, result in zip(recorded.trials, told, strict=True):
        (cheaper,) = trial.user_attrs["front"]
        assert cheaper[0] < trial.values[0]
        assert cheaper[1] < trial.values[1]
        assert result.front == (tuple(trial.values), tuple(cheaper))
    volumes = StudyFolder.of(searching.space(SPACE)).read_search()["hypervolume"]
    assert volumes == sorted(volumes)
    assert len(volumes) == len(recorded.trials)
    assert 0 < volumes[0] < volumes[-1] < 1
    searching.launch(SPACE, "search.sampler=nsgaii", "search.samples=16")  # fronts are read again
    assert searching.computed[:3] == [[]] * 3


def test_the_hypervolume_is_what_the_fronts_dominate():
    directions = {"a/val": "maximize", COST: "minimize"}
    # The reference is PCK 0 at 1.1 times the cost of 10, so 1 is 1/11 of it.
    fronts = [[(0.5, 10.0)], [], [(0.4, 1.0), (0.3, 0.5)], [(0.2, 5.0)]]
    first = 0.5 * 1 / 11
    third = first + 0.4 * 9 / 11 + 0.3 * 0.5 / 11
    assert hypervolumes(fronts, directions) == pytest.approx([first, first, third, third])
    assert hypervolumes([[], []], directions) == [0, 0]
    three = {"a": "maximize", "b": "maximize", COST: "minimize"}
    assert hypervolumes([[(0.5, 0.5, 1.0)]], three) == pytest.approx([0.25 * 0.1 / 1.1])


@pytest.mark.parametrize("sampler", [NSGAIISampler(seed=0, population_size=4), TPESampler(seed=0)])
def test_a_sampler_gets_every_point_of_a_front(sampler):
    proposals = Proposals(
        {"timestep": tuple(range(9))}, sampler, prompt="empty", directions=("maximize", "minimize")
    )
    for _ in range(3):
        given = proposals.ask()
        proposals.tell(given, TrialResult(TrialState.COMPLETE, (0.5, 2.0), ((0.4, 1.0),)))
    trials = proposals._study.get_trials()
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    assert len(complete) == 6
    for one, other in zip(complete[::2], complete[1::2], strict=True):
        assert (one.params, one.values) == (other.params, [0.5, 2.0])
        assert other.values == [0.4, 1.0]
        assert one.system_attrs == other.system_attrs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "datasets"),
    [
        (["search.objectives=[]"], {"pf_pascal", "spair"}),
        (["search.objectives=[]", "search.metric=spair/val/pck@0.1"], {"spair"}),
        (["search.metric=spair/val/pck@0.1"], {"pf_pascal", "spair"}),
        (["search.metric=mean/val/pck@0.1"], {"pf_pascal", "spair"}),
    ],
)
def test_only_what_is_asked_for_is_measured_on_the_way(searching, options, datasets):
    *generations, final = searching.launch(SPACE, "search.samples=4", *options)
    assert {cell.data.dataset for plan in generations for cell in plan.cells} == datasets
    assert {cell.data.dataset for cell in final.cells} == {"pf_pascal", "pf_willow", "spair"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objectives", "complaint"),
    [
        ("[pf_pascal/test/pck@0.1]", "chosen on val only"),
        ("[pf_pascal/val/pck@0.2]", "alpha is not among"),
        ("[cots]", "no metric 'cots'"),
        ("[cost]", "cost alone chooses nothing"),
        ("[cost,pf_pascal/val/pck@0.1,cost]", "given twice"),
    ],
)
def test_objectives_that_cannot_be_meant(searching, objectives, complaint):
    with pytest.raises(SD4MatchError, match=complaint):
        searching.space(SPACE, f"search.objectives={objectives}")
