"""The index of a study: a table with the record and cost of each configuration and split."""

from typing import Any

import pandas as pd
import pyarrow as pa

from study.plan.plan import Plan
from study.space.axes import AXES, Value

TEXT_AXES = (
    "backbone", "prompt", "template", "source", "train.data", "train.fusion", "fusion",
    "place", "localizer",
)  # fmt: skip
REAL_AXES = ("kernel", "temperature")
TRUE_OR_FALSE_AXES = ("l2_normalize", "train.l2_normalize")

TFLOP = "tflop_per_image"
"""Column of planned TFLOP per image; NaN for studies that were launched before it existed."""


def table(plan: Plan) -> pa.Table:
    """The index of a plan, one row per result, in order.

    Args:
        plan: of the whole study.

    Returns:
        Columns: ``configuration`` (key), the axes, ``dataset``, ``split``, ``data`` (fingerprint),
        ``pairs``, ``predict`` and ``extraction`` and ``tune`` (stage keys), ``missing`` (why no
        result is possible; null for almost all), ``tflop_per_image`` of the configuration.
    """
    from study.plan.cost import tflop_per_image  # reading an index does not need it

    cells, costs = plan.cells, tflop_per_image(plan)
    # By columns: rows would be dictionaries, half a million of them in a large plan.
    columns = {
        "configuration": [cell.configuration.key for cell in cells],
        **{axis: [cell.configuration[axis] for cell in cells] for axis in AXES},
        "dataset": [cell.data.dataset for cell in cells],
        "split": [cell.data.split for cell in cells],
        "data": [cell.data.fingerprint for cell in cells],
        "pairs": [cell.data.pairs for cell in cells],
        "predict": [cell.predict.key for cell in cells],
        "extraction": [cell.predict.extraction.key for cell in cells],
        "tune": [cell.tune.key if cell.tune else None for cell in cells],
        "missing": [cell.missing for cell in cells],
        TFLOP: [costs[cell.configuration.key] for cell in cells],
    }
    return pa.Table.from_pydict(columns, schema=schema())


def frame(index: pa.Table) -> pd.DataFrame:
    """An index for pandas; integers and booleans stay what they are beside missing values.

    Args:
        index: as `table` made it, now or in an earlier version.

    Raises:
        KeyError, pyarrow.ArrowException: it is no index.
    """

    # Whatever the file holds: these columns and types, or an error.
    if TFLOP not in index.column_names:
        index = index.append_column(TFLOP, pa.nulls(len(index), pa.float64()))
    for name in AXES.keys() - set(index.column_names):
        index = index.append_column(name, pa.array(_before(name, index)))
    known = index.select(schema().names).cast(schema())
    made: pd.DataFrame = known.to_pandas(types_mapper=nullable)
    return made


def nullable(kind: pa.DataType) -> Any:
    """The type of pandas for integers and booleans beside missing values; None for others."""
    if pa.types.is_boolean(kind):
        return pd.BooleanDtype()
    return pd.Int64Dtype() if pa.types.is_int64(kind) else None


def _before(name: str, index: pa.Table) -> list[Value]:
    """The values of an axis that did not exist yet when an index was made."""
    axis = AXES[name]
    idle = ["dino"] if name == "l2_normalize" else []
    return [
        axis.neutral if axis.applies(prompt) and fusion not in idle else None
        for prompt, fusion in zip(
            *(index[n].to_pylist() for n in ("prompt", "fusion")), strict=True
        )
    ]


def schema() -> pa.Schema:
    """The types of the columns, which do not depend on which values happen to be missing."""

    def kind(axis: str) -> pa.DataType:
        if axis in TEXT_AXES:
            return pa.string()
        if axis in TRUE_OR_FALSE_AXES:
            return pa.bool_()
        return pa.float64() if axis in REAL_AXES else pa.int64()

    return pa.schema(
        [
            ("configuration", pa.string()),
            *((axis, kind(axis)) for axis in AXES),
            ("dataset", pa.string()),
            ("split", pa.string()),
            ("data", pa.string()),
            ("pairs", pa.int64()),
            ("predict", pa.string()),
            ("extraction", pa.string()),
            ("tune", pa.string()),
            ("missing", pa.string()),
            (TFLOP, pa.float64()),
        ]
    )
