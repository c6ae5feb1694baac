"""Warm start: a search takes what earlier studies measured, at no cost."""

import pytest

from sd4match.errors import SD4MatchError
from study.engine.work import pending
from study.plan.plan import Planner
from study.space.designs import configurations
from study.store.study_folder import StudyFolder

from .conftest import usefulness, write

pytestmark = pytest.mark.slow

EARLIER = """
baseline: {prompt: empty, ensemble: 1}
axes: {prompt: [empty, text], timestep: [0, 100, 400], kernel: [3, 5]}
data: {evaluate: [pf_pascal], pairs: 4}
"""
SPACE = """
baseline: {prompt: text, ensemble: 1}
axes: {prompt: [empty, text], timestep: [0, 50, 100, 200], kernel: [3, 5]}
data: {evaluate: [pf_pascal], pairs: 4}
search: {sampler: tpe, samples: 4, warm_start: [earlier]}
"""


@pytest.fixture
def earlier(searching):
    """A factorial that was launched under the name ``earlier``; overrides change it."""

    def launch(*overrides):
        space = searching.space(EARLIER, "name=earlier", "design=factorial", *overrides)
        folder = StudyFolder.of(space)
        plan = Planner(space).plan(configurations(space), splits=("val",))
        folder.write_space(space)
        folder.write_plan(plan)
        for item in pending(plan, folder.store):
            for stage in item.stages if item.kind == "predict" else ():
                write(folder.store, plan, stage, usefulness)
        return plan

    return launch


def test_points_of_both_are_told_and_not_computed(searching, earlier):
    earlier()
    first, *_ = searching.launch(SPACE)
    assert searching.computed[0] == []
    # 400 is no value of this search; 50 and 200 were not measured.
    warm = [t for t in searching.trials if "warm_start" in t.user_attrs]
    assert {(t.params["prompt"], t.params["timestep (rank)"]) for t in warm} == {
        (prompt, rank) for prompt in ("empty", "text") for rank in (0, 2)
    }
    assert [trial.number for trial in warm] == [0, 1, 2, 3]
    assert all(trial.value is not None for trial in warm)
    assert len(searching.trials) == 4 + 4
    # Their rows are part of this study as well, with the whole free grid.
    assert {c.configuration["kernel"] for c in first.cells} == {3.0, 5.0}
    assert len(first.by_configuration) == 8


def test_a_later_launch_is_told_the_same(searching, earlier):
    earlier()
    searching.launch(SPACE, "search.samples=2")
    before = searching.trials
    earlier("axes.timestep=[0,50,100,400]")  # the study has grown, our history has not
    searching.launch(SPACE, "search.samples=6")
    assert searching.trials[:6] == before
    assert len(searching.trials) == 8  # all there are
    assert all(trial.state.name == "COMPLETE" for trial in searching.trials)


@pytest.mark.parametrize(
    "difference", ["baseline.ensemble=2", "axes.kernel=[3]", "data.pairs=3", "baseline.seed=1"]
)
def test_what_was_measured_otherwise_is_not_taken(searching, earlier, difference):
    earlier(difference)
    searching.launch(SPACE)
    assert not [t for t in searching.trials if "warm_start" in t.user_attrs]


def test_a_grid_leaves_out_what_is_known(searching, earlier):
    earlier()
    searching.launch(SPACE, "search.sampler=grid")
    assert len(searching.trials) == 8
    assert len({tuple(t.params.items()) for t in searching.trials}) == 8


def test_a_study_that_is_not_there(searching, earlier):
    earlier()
    with pytest.raises(SD4MatchError, match=r"no study in .*nowhere.*there are: earlier"):
        searching.launch(SPACE, "search.warm_start=[nowhere]")
