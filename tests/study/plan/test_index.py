"""The index of a study: a row a cell, with costs, and what older studies wrote."""

import pytest

from study.plan import index
from study.plan.cost import tflop_per_image
from study.space.axes import AXES

pytestmark = pytest.mark.slow

SPACE = """
baseline: {prompt: empty, ensemble: 1}
axes: {layer: [0, 1], place: [1], prompt: [empty, class], ensemble: [1, 4]}
"""


@pytest.fixture
def plan(plan_of):
    return plan_of(SPACE)[0]


def test_a_row_a_cell_in_order(plan):
    frame = index.frame(index.table(plan))
    assert frame["configuration"].tolist() == [cell.configuration.key for cell in plan.cells]
    assert frame["predict"].tolist() == [cell.predict.key for cell in plan.cells]
    assert frame["missing"].notna().tolist() == [cell.missing is not None for cell in plan.cells]
    assert set(AXES) < set(frame.columns)


def test_every_row_has_the_cost_of_its_configuration(plan):
    frame, costs = index.frame(index.table(plan)), tflop_per_image(plan)
    assert frame[index.TFLOP].tolist() == [costs[key] for key in frame["configuration"]]
    assert len(set(costs.values())) > 2


def test_an_index_without_an_axis_has_its_neutral_value(plan_of):
    space = "{baseline: {prompt: single}, axes: {prompt: [text], fusion: [none, dino]}}"
    table = index.table(plan_of(space)[0])
    added = [name for name, axis in AXES.items() if axis.neutral is not None]
    assert {"place", "l2_normalize", "train.l2_normalize", "train.fusion"} <= set(added)
    older = index.frame(table.drop_columns(added))
    assert older.equals(index.frame(table))
    assert older["l2_normalize"].isna().any()
    assert older["train.fusion"].isna().any()


def test_an_index_without_costs_is_read(plan):
    table = index.table(plan)
    older = index.frame(table.drop_columns([index.TFLOP]))
    assert older[index.TFLOP].isna().all()
    assert older.drop(columns=index.TFLOP).equals(index.frame(table).drop(columns=index.TFLOP))
