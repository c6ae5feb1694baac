"""The SQL view ``keypoints``: one row for each predicted keypoint, read from the store by DuckDB.

A study may hold hundreds of millions of them, so they are never all in memory: DuckDB reads the
columns and rows that a query needs, and the arithmetic of `sd4match.pck` is repeated in SQL.
"""

from collections import defaultdict

import numpy as np
import pandas as pd

from sd4match import pck
from sd4match.matching.keypoints import decode
from sd4match.pck.protocols import resolve
from sd4match.pck.scoring import TIE
from sd4match.records.parquet import read, settings_of
from study.analysis.measuring import setting_of
from study.space.metric import Rule
from study.store.scores import truth_of
from study.store.store import Store

_SQL = """
WITH found AS (
    SELECT truth, file, file_row_number // rows AS block, file_row_number % rows AS row,
           x::FLOAT AS x, y::FLOAT AS y
    FROM read_parquet([{files}], filename = true, file_row_number = true, union_by_name = true)
    JOIN _files_ USING (filename)
), placed AS (
    SELECT configuration, dataset, split, pair, category, keypoint,
           x * step_x AS x, y * step_y AS y,
           true_x, true_y, scale_x, scale_y, target_x, target_y, reference
    FROM found JOIN _blocks_ USING (file, block) JOIN _truth_ USING (truth, row)
), measured AS (
    SELECT *, sqrt(pow(x * scale_x - target_x, 2) + pow(y * scale_y - target_y, 2)) AS error
    FROM placed
)
SELECT configuration, dataset, split, pair, category, keypoint, x, y, true_x, true_y, error,
       reference, {correct}
FROM measured
"""


def keypoints(
    index: pd.DataFrame, store: Store, rule: Rule
) -> tuple[str, dict[str, pd.DataFrame], tuple[str, ...]]:
    """The parts of the view.

    Args:
        index: see `study.plan.index.table`.
        store: where predictions and ground truth are.
        rule: how errors are measured.

    Returns:
        The view's SELECT, the tables it reads by name, and the files. Without any record the
        SELECT is of no row.
    """
    truths: dict[tuple[str, int], int] = {}
    files: dict[str, list[object]] = defaultdict(list)
    blocks: dict[str, list[object]] = defaultdict(list)
    for key, rows in index.groupby("predict", sort=False):
        first = rows.iloc[0]
        recorded = store.recorded(str(key))
        truth = (str(first["data"]), int(first["image_size"]))
        numbers: dict[str, tuple[int, list[object]]] = {}
        for row in rows.to_dict("records"):
            setting = setting_of(row)
            if setting not in recorded:
                continue
            name = str(recorded[setting])
            if name not in numbers:
                numbers[name] = (len(files["filename"]), list(settings_of(recorded[setting])))
                files["filename"].append(name)
                files["file"].append(numbers[name][0])
                files["rows"].append(len(truth_of(store.folder, truth[0])[0].pair))
                files["truth"].append(truths.setdefault(truth, len(truths)))
            file, settings = numbers[name]
            blocks["file"].append(file)
            blocks["block"].append(settings.index(setting))
            for column in ("configuration", "dataset", "split"):
                blocks[column].append(row[column])
    if not files:
        nothing = ", ".join(["NULL"] * (12 + len(rule.alphas)))
        return f"SELECT {nothing} WHERE false", {}, ()
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in map(str, files["filename"]))
    frames = {
        "_files_": pd.DataFrame(files),
        "_blocks_": pd.DataFrame(blocks),
        "_truth_": pd.concat(
            [_truth(store, *truth, rule).assign(truth=number) for truth, number in truths.items()]
        ),
    }
    sql = _SQL.format(files=quoted, correct=_correct(rule))
    return sql, frames, tuple(map(str, files["filename"]))


def _truth(store: Store, data: str, image_size: int, rule: Rule) -> pd.DataFrame:
    """The ground truth of a split, one row per keypoint, with all that errors are measured by."""
    truth, pairs = truth_of(store.folder, data)
    scale, target, reference = pck.coordinates(truth, protocol=rule.protocol, image_size=image_size)
    # What one unit of a stored position is worth, as `decode` takes it.
    step = decode(np.ones_like(truth.keypoints, dtype=np.uint16), truth.sizes[truth.pair])
    named: dict[str, np.ndarray] = {
        "true": truth.keypoints,
        "step": step,
        "scale": scale[truth.pair],
        "target": target,
    }
    ids = read(store.folder / "truth" / f"{data[:20]}.parquet", ["keypoint"])
    return pd.DataFrame(
        {
            "row": np.arange(len(truth.pair)),
            "pair": pairs["id"].to_numpy()[truth.pair],
            "category": pairs["category"].to_numpy()[truth.pair],
            "keypoint": ids["keypoint"].to_numpy(),
            **{f"{name}_x": points[:, 0] for name, points in named.items()},
            **{f"{name}_y": points[:, 1] for name, points in named.items()},
            "reference": reference,
        }
    )


def _correct(rule: Rule) -> str:
    """As `sd4match.pck.correct` compares."""
    strict = resolve(rule.protocol).strict
    compare, tie = ("<", 1 - TIE) if strict else ("<=", 1 + TIE)
    return ", ".join(
        f'error {compare} {alpha!r}::DOUBLE * reference * {tie!r}::DOUBLE AS "correct@{alpha:g}"'
        for alpha in rule.alphas
    )
