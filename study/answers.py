"""From records to answers: PCK of every cell, and of every pair where statistics need it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from sd4match.datasets import object_name
from sd4match.errors import SD4MatchError
from sd4match.readouts import Readout
from study.axes import AXES
from study.records import damaged, settings_of
from study.scoring import Record, Rule, score
from study.stages import Setting
from study.stats import PairSamples
from study.store import Store

FREE = [name for name, axis in AXES.items() if axis.cost == "free"]


def measure(
    index: pd.DataFrame,
    store: Store,
    rule: Rule,
    *,
    failures: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """PCK of every cell at every alpha.

    Args:
        index: rows as `study.cells.frame` gives them.
        store: where the records are; scores that are missing are made from predictions.
        rule: how to score.
        failures: work item key to the reason why it failed.

    Returns:
        One row per (configuration, dataset, split, alpha): those and the axes, then ``pck`` (mean
        over pairs with keypoints of each pair's PCK, in [0, 1]), ``pck_point`` (mean over
        keypoints), ``pairs`` (how many count), ``keypoints``, ``status`` ("done" or "missing")
        and ``reason``.
    """
    wide = _aggregate(_score_files(index, store, rule), rule)
    merged = index.drop(columns="pairs").merge(
        wide, on=["predict", *FREE], how="left", validate="many_to_one"
    )
    blocks = []
    for alpha in rule.alphas:
        block = merged.drop(columns=[c for c in merged if str(c).startswith(("pck@", "point@"))])
        block["alpha"] = alpha
        block["pck"] = merged[f"pck@{alpha:g}"]
        block["pck_point"] = merged[f"point@{alpha:g}"]
        blocks.append(block)
    cells = pd.concat(blocks).sort_index(kind="stable").reset_index(drop=True)
    done = cells["pck"].notna()
    cells["status"] = np.where(done, "done", "missing")
    cells["reason"] = [
        None if there else _reason(row, failures or {})
        for there, (_, row) in zip(done, cells.iterrows(), strict=True)
    ]
    counts = {"pairs": "Int64", "keypoints": "Int64"}
    return cells.drop(columns=["data", "predict", "extraction", "tune", "missing"]).astype(counts)


def samples(cell: "pd.Series[Any]", store: Store, rule: Rule, alpha: float) -> PairSamples:
    """PCK of each pair that counts, with the identity of its images.

    Args:
        cell: a row of `measure`'s index.
        store, rule: as for `measure`.
        alpha: one of the rule's.

    Raises:
        SD4MatchError: the cell was not measured, or not at this alpha.
    """
    if alpha not in rule.alphas:
        raise SD4MatchError(
            f"alpha {alpha:g} is not scored; the study has "
            f"{', '.join(f'{scored:g}' for scored in rule.alphas)}"
        )
    setting = _setting(cell)
    (file,) = score(store, _record(cell), [setting], rule)
    found, keypoints = store.read_scores(file, alpha)
    correct = found[settings_of(file).index(setting)]
    _, pairs = store.read_truth(str(cell["data"]))
    counts = keypoints > 0
    images = pd.Categorical(pd.concat([pairs["source"], pairs["target"]])).codes
    source, target = np.split(images, 2)
    # Sub-classes of PF-Willow share images (METHOD.md section 2), so images are drawn by object.
    category = pd.Categorical(pairs["category"].map(object_name)).codes
    return PairSamples(
        pck=correct[counts] / keypoints[counts],
        source=source[counts],
        target=target[counts],
        category=category[counts],
    )


def _score_files(index: pd.DataFrame, store: Store, rule: Rule) -> list[Path]:
    """Score files of all recorded cells; those that are missing are made."""
    files: list[Path] = []
    for key, rows in index.groupby("predict", sort=False):
        recorded = store.recorded(str(key))
        wanted = dict.fromkeys(s for s in map(_setting, _rows(rows)) if s in recorded)
        files += score(store, _record(rows.iloc[0]), list(wanted), rule)
    return files


def _aggregate(files: Sequence[Path], rule: Rule) -> pd.DataFrame:
    """Averages by stage and free setting; DuckDB reads the Parquet files as one table."""
    # Where there are no keypoints there is no share: NULL, which averages leave out.
    measures = ", ".join(
        f'avg("correct@{a:g}" / nullif(keypoints, 0)) AS "pck@{a:g}", '
        f'sum("correct@{a:g}") / nullif(sum(keypoints), 0) AS "point@{a:g}"'
        for a in rule.alphas
    )
    if not files:
        columns = [f"{name}@{a:g}" for a in rule.alphas for name in ("pck", "point")]
        return pd.DataFrame(columns=["predict", *FREE, "pairs", "keypoints", *columns])
    # A setting may be on record twice, in files of different grids: the first one counts.
    query = f"""
        SELECT parse_path(filename)[-2] AS predict, layer, localizer, kernel, temperature, filename,
               count(nullif(keypoints, 0)) AS pairs, sum(keypoints) AS keypoints, {measures}
        FROM read_parquet($files, filename = true)
        GROUP BY ALL
        ORDER BY ALL
    """
    with duckdb.connect(config={"threads": 1}) as database:  # float sums depend on their order
        try:
            wide = database.execute(query, {"files": [str(file) for file in files]}).df()
        except duckdb.Error as error:
            raise damaged("scores", error) from None
    wide = wide.drop(columns="filename").drop_duplicates(["predict", *FREE])
    return wide.astype({"layer": "Int64"})


def _reason(row: "pd.Series[Any]", failures: Mapping[str, str]) -> str:
    if not pd.isna(row["missing"]):
        return str(row["missing"])
    for key in (row["extraction"], row["tune"]):
        if key in failures:
            return failures[str(key)].strip().splitlines()[-1]
    return "not computed yet" if pd.isna(row["pairs"]) else "no pair has a common keypoint"


def _rows(frame: pd.DataFrame) -> Sequence["pd.Series[Any]"]:
    return [row for _, row in frame.iterrows()]


def _record(row: "pd.Series[Any]") -> Record:
    return Record(str(row["predict"]), str(row["data"]), int(row["image_size"]))


def _setting(row: "pd.Series[Any]") -> Setting:
    def number(name: str) -> float | None:
        return None if pd.isna(row[name]) else float(row[name])

    return int(row["layer"]), Readout(row["localizer"], number("kernel"), number("temperature"))
