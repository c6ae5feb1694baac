"""The SQL views of a study: tables with documented columns."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from sd4match.files.companions import without_companions
from study.analysis.results import Results
from study.analysis.sql.keypoints import keypoints
from study.plan.index import TFLOP
from study.space import labels
from study.space.axes import AXES
from study.space.metric import Rule
from study.store import timings
from study.store.devices import devices_of
from study.store.store import Store

_AXES = {name: f"{labels.axis(name)}; NULL where it does not apply" for name in AXES}
_PAID = {name: _AXES[name] for name, axis in AXES.items() if axis.cost != "free"}
_CONFIGURATION = {"configuration": "key of the configuration"}
_SPLIT = {"dataset": "pf_pascal, pf_willow or spair", "split": "val or test"}

VIEWS: Mapping[str, Mapping[str, str]] = {
    "configurations": {
        **_CONFIGURATION,
        **_AXES,
        TFLOP: "planned cost of matching, TFLOP per image; NULL where not recorded",
    },
    "scores": {
        **_CONFIGURATION,
        **_AXES,
        **_SPLIT,
        "alpha": "threshold, a share of the reference length",
        "pck": "mean over pairs of each pair's PCK, 0 to 1",
        "pck_point": "share of all keypoints that are correct, 0 to 1",
        "pairs": "pairs that count: those with keypoints",
        "keypoints": "keypoints of these pairs",
        "status": "done or missing",
        "reason": "why it is missing",
        "predict": "key of the stage whose predictions are scored",
        "data": "fingerprint of the split's pairs and images",
    },
    "keypoints": {
        **_CONFIGURATION,
        **_SPLIT,
        "pair": "the data set's name of the pair",
        "category": "of the pair",
        "keypoint": "number of the keypoint in the data set",
        "x": "predicted position from the left of the target image, original pixels",
        "y": "predicted position from the top",
        "true_x": "annotated position from the left, original pixels",
        "true_y": "annotated position from the top",
        "error": "distance between the two, in the pixels of the protocol",
        "reference": "the length that alpha is a share of, in the same pixels",
        "correct@<alpha>": "whether the error is within alpha; one column per alpha, double-quoted",
    },
    "trials": {
        "trial": "key of a prompt under one extraction setting",
        "tune": "key of the stage that learned the prompt; NULL where none had to",
        **_PAID,
        "configurations": "how many configurations it answers",
        "results": "how many results: configurations × splits",
        "done": "how many of the results were measured",
        "reason": "why the first of the others is missing",
    },
    "stages": {
        "stage": "key, the name of the folder in the store",
        "kind": "tune, predict or score",
        "settings": "what is computed, JSON",
        "dataset": "predicted or scored data set, or the one a prompt is used on",
        "split": "val or test; NULL for a tuning",
        "files": "how many files the store holds of it",
        "bytes": "total size of the files",
        "seconds": "computing time; NULL where it was not timed",
        "devices": "kinds of devices that computed it; NULL where that is not recorded",
    },
}
"""View to column to its meaning."""


@dataclass(frozen=True, eq=False)
class View:
    """What DuckDB needs to answer from a view.

    Attributes:
        sql: the SELECT that is the view.
        frames: tables that it reads, by name.
        files: files that it reads.
    """

    sql: str
    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, frame: pd.DataFrame) -> "View":
        """A table as it is."""
        return cls(f"SELECT * FROM _{name}_", {f"_{name}_": frame})


Views = Mapping[str, Callable[[], View]]
"""View to how it is made; nothing is read before."""


def views_of(study: Results) -> Views:
    """How each view of a study is built; nothing is read before a view is called."""
    index, store, rule = study.index, study.folder.store, study.rule

    frames: dict[str, Callable[[], pd.DataFrame]] = {
        "configurations": lambda: configurations(study),
        "scores": lambda: study.cells_with_keys,
        "trials": lambda: trials(index, study.cells),
        "stages": lambda: stages(index, store, rule),
    }

    def made(name: str) -> View:
        if name == "keypoints":
            return View(*keypoints(index, store, rule))
        return View.of(name, frames[name]())

    return {name: partial(made, name) for name in VIEWS}


def configurations(study: Results) -> pd.DataFrame:
    """One row per configuration: the columns of the view ``configurations``."""
    index = study.index.drop_duplicates("configuration").reset_index(drop=True)
    return index[list(VIEWS["configurations"])]


def schema() -> str:
    """The views and their columns, for people."""
    lines = []
    for view, columns in VIEWS.items():
        lines.append(view)
        lines += [f"  {column:18} {meaning}" for column, meaning in columns.items()]
    return "\n".join([*lines, 'names with a dot need double quotes: "train.layer"'])


PAID = [name for name, axis in AXES.items() if axis.cost != "free"]
TUNED = [name for name in PAID if AXES[name].cost == "tune"]


def trials(index: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """One row per trial: a prompt under one extraction setting.

    Args:
        index: see `study.plan.index.table`.
        cells: its results, see `study.analysis.measuring.measure`.

    Returns:
        The columns of the view ``trials``, in the order of the index.
    """
    repeats = len(cells) // max(1, len(index))  # one per alpha
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
            "results": grouped.size(),
            "done": grouped["done"].sum(),
            "reason": grouped["reason"].first(),
        }
    ).reset_index(names="trial")


def stages(index: pd.DataFrame, store: Store, rule: Rule) -> pd.DataFrame:
    """One row for each stage that a study needs, with its files in the store.

    Args:
        index: see `study.plan.index.table`.
        store: where the files are.
        rule: what is scored.

    Returns:
        The columns of the view ``stages``: tunings, predictions, then their scores.
    """
    seconds = dict(_seconds(store.speed))
    tunes, predicts = (index[name].dropna().unique() for name in ("tune", "predict"))
    devices = devices_of(store, tunes=tunes, predicts=predicts)
    rows = []
    for kind in ("tune", "predict", "score"):
        column = "tune" if kind == "tune" else "predict"
        for row in index[index[column].notna()].drop_duplicates(column).to_dict("records"):
            key = str(row[column])
            found = without_companions((store.folder / kind / key).glob("*"))
            files = [file for file in found if file.is_file()]
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
                    "devices": None if kind == "score" else "; ".join(devices.get(key, ())) or None,
                }
            )
    return pd.DataFrame(rows, columns=list(VIEWS["stages"])).astype({"seconds": float})


def _settings(kind: str, row: Mapping[Any, Any], rule: Rule) -> dict[str, Any]:
    if kind == "score":
        return rule.address(int(row["image_size"]))
    names = TUNED if kind == "tune" else PAID
    return {name: row[name] for name in names if not pd.isna(row[name])}


def _seconds(folder: Path) -> Iterator[tuple[str, float]]:
    """(stage key, computing time) of the stages that were timed."""
    for file in sorted(without_companions(folder.glob("*/*.json"))):
        _, seconds = timings.read(file)
        yield file.stem, seconds
