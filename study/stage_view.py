"""The views ``trials`` and ``stages``: what was computed for a study, and what it left."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from study import speed
from study.axes import AXES
from study.scoring import Rule
from study.store import Store

PAID = [name for name, axis in AXES.items() if axis.cost != "free"]
TUNED = [name for name in PAID if AXES[name].cost == "tune"]


def trials(index: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """One row a trial: a prompt under one extraction setting.

    Args:
        index: see `study.cells.table`.
        cells: what was measured of it, see `study.answers.measure`.

    Returns:
        The columns of the view ``trials``, in the order of the index.
    """
    repeats = len(cells) // max(1, len(index))  # one an alpha
    measured = cells.iloc[::repeats] if repeats else cells
    found = index.assign(
        done=(measured["status"] == "done").to_numpy(), reason=measured["reason"].to_numpy()
    )
    grouped = found.groupby("extraction", sort=False)
    return pd.DataFrame(
        {
            # Data sets may have prompts of their own: each is a trial.
            "tune": grouped["tune"].first(),
            **{name: grouped[name].first() for name in PAID},
            "configurations": grouped["configuration"].nunique(),
            "cells": grouped.size(),
            "done": grouped["done"].sum(),
            "reason": grouped["reason"].first(),
        }
    ).reset_index(names="trial")


def stages(index: pd.DataFrame, store: Store, rule: Rule) -> pd.DataFrame:
    """One row a stage that a study needs, with what it left in the store.

    Args:
        index: see `study.cells.table`.
        store: where the files are.
        rule: what is scored.

    Returns:
        The columns of the view ``stages``: tunings, predictions, then their scores.
    """
    seconds = dict(_seconds(store.speed))
    rows = []
    for kind in ("tune", "predict", "score"):
        column = "tune" if kind == "tune" else "predict"
        for row in index[index[column].notna()].drop_duplicates(column).to_dict("records"):
            key = str(row[column])
            files = [file for file in (store.folder / kind / key).glob("*") if file.is_file()]
            rows.append(
                {
                    "stage": key,
                    "kind": kind,
                    "settings": json.dumps(_settings(kind, row, rule)),
                    "dataset": row["dataset"],
                    "split": None if kind == "tune" else row["split"],
                    "files": len(files),
                    "bytes": sum(file.stat().st_size for file in files),
                    "seconds": None if kind == "score" else seconds.get(key),
                }
            )
    columns = ["stage", "kind", "settings", "dataset", "split", "files", "bytes", "seconds"]
    return pd.DataFrame(rows, columns=columns).astype({"seconds": float})


def _settings(kind: str, row: Mapping[Any, Any], rule: Rule) -> dict[str, Any]:
    if kind == "score":
        return rule.address(int(row["image_size"]))
    names = TUNED if kind == "tune" else PAID
    return {name: row[name] for name in names if not pd.isna(row[name])}


def _seconds(folder: Path) -> Iterator[tuple[str, float]]:
    """Stage key to how long it took, of those that were timed."""
    for file in sorted(folder.glob("*/*.json")):
        _, seconds = speed.read(file)
        yield file.stem, seconds
