"""The index of a study as a table: which record answers which configuration on which split."""

from typing import Any

import pandas as pd
import pyarrow as pa

from study.plan.plan import Plan
from study.space.axes import AXES

TEXT_AXES = ("backbone", "prompt", "template", "source", "train.data", "fusion", "localizer")
REAL_AXES = ("kernel", "temperature")

COST = "tflop_per_image"
"""Column of planned TFLOP an image; studies that were launched before there was one lack it."""


def table(plan: Plan) -> pa.Table:
    """One row a cell of ``plan``, in order.

    Returns:
        Columns: ``configuration`` (key), the axes, ``dataset``, ``split``, ``data`` (fingerprint),
        ``pairs``, ``predict`` and ``extraction`` and ``tune`` (stage keys), ``missing`` (why there
        can be no answer; null for almost all), ``tflop_per_image`` of the configuration.
    """
    from study.plan.cost import tflop_per_image  # reading an index does without

    cells, costs = plan.cells, tflop_per_image(plan)
    # By columns: a row would be a dictionary, and a large plan has half a million of them.
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
        COST: [costs[cell.configuration.key] for cell in cells],
    }
    return pa.Table.from_pydict(columns, schema=_schema())


def frame(index: pa.Table) -> pd.DataFrame:
    """The same for pandas; integers stay integers beside missing values."""

    def nullable(kind: pa.DataType) -> Any:
        return pd.Int64Dtype() if pa.types.is_int64(kind) else None

    # Whatever is in the file: these columns and types, or an error of PyArrow's or a KeyError.
    if COST not in index.column_names:
        index = index.append_column(COST, pa.nulls(len(index), pa.float64()))
    known = index.select(_schema().names).cast(_schema())
    made: pd.DataFrame = known.to_pandas(types_mapper=nullable)
    return made


def _schema() -> pa.Schema:
    """Types that do not depend on which values happen to be missing."""

    def kind(axis: str) -> pa.DataType:
        if axis in TEXT_AXES:
            return pa.string()
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
            (COST, pa.float64()),
        ]
    )
