"""What a plan says of a record: taken, scored again, extracted again, new."""

import numpy as np
import pytest

from sd4match.pck.ground_truth import GroundTruth
from study.launch.plan_report import describe_plan, plan_of
from study.plan.plan import Planner
from study.space.reading import load
from study.store.scores import Record, score
from study.store.store import Store

pytestmark = pytest.mark.slow

SPACE = """
baseline: {prompt: empty, ensemble: 1, image_size: 32, kernel: 3}
axes: {kernel: [3, 7], timestep: [0, 50]}
data: {evaluate: [pf_pascal], pairs: 2}
"""


@pytest.fixture
def plan(tmp_path, shapes_root):
    """A function: (numbers, text) of the plan with some overrides; the first one is on record."""
    (tmp_path / "mine.yaml").write_text(SPACE)

    def planned(*overrides):
        here = [f"data.root={shapes_root}", f"results={tmp_path}", "device=cpu", *overrides]
        space = load(str(tmp_path / "mine.yaml"), here)
        return space, plan_of(space, Planner(space))

    space, first = planned()
    store = Store(tmp_path / "store")
    for key, stage in first.predicts.items():
        pairs, settings = stage.data.open(), list(first.settings[key])
        store.write_truth(pairs)
        truth = GroundTruth.of(pairs)
        positions = np.zeros((len(settings), *truth.keypoints.shape))
        store.write_predictions(key, settings, positions, truth)
        record = Record(key, stage.data.fingerprint, stage.extraction.image_size)
        score(store, record, settings, space.rule)

    def report(*overrides):
        numbers, text = describe_plan(*planned(*overrides))
        return numbers.predictions, next(
            (line for line in text.splitlines() if line.startswith("of ")), ""
        )

    return report


def counts(found):
    return found.scored, found.rescored, found.again, found.new


def test_a_finished_study_is_all_there(plan):
    found, said = plan()
    assert counts(found) == (4, 0, 0, 0)
    assert said == "of 4 predictions (a trial on a split): 4 already computed and scored"


@pytest.mark.parametrize("change", ["alphas=[0.1,0.2]", "protocol=dift"])
def test_alphas_and_protocols_are_only_scored_anew(plan, change):
    found, said = plan(change)
    assert counts(found) == (0, 4, 0, 0)
    assert "4 scored again from recorded keypoints, without a pass" in said


@pytest.mark.parametrize(
    ("change", "axis"),
    [
        ("axes.kernel=[3,11]", "kernel=11"),
        ("++axes.layer=[1,2]", "layer=2"),
        ("++axes.localizer=[nearest]", "localizer=nearest"),
        ("baseline.temperature=0.1", "temperature=0.1"),
    ],
)
def test_what_was_not_read_is_extracted_again(plan, change, axis):
    found, said = plan(change)
    assert found.again > 0
    assert found.new == 0
    assert f"extracted again: no record has {axis}" in said


def test_fewer_kernels_need_nothing(plan):
    assert counts(plan("axes.kernel=[7]")[0])[2:] == (0, 0)


def test_another_timestep_is_new(plan):
    found, said = plan("axes.timestep=[0,50,100]")
    assert counts(found) == (4, 0, 0, 2)
    assert said.endswith("2 new")


def test_nothing_is_said_where_nothing_is_on_record(plan, tmp_path):
    found, said = plan(f"results={tmp_path / 'elsewhere'}")
    assert (counts(found), said) == ((0, 0, 0, 4), "")
