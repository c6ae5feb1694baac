"""The views that SQL reads: what a study measured, as tables with documented columns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from study import labels
from study.axes import AXES
from study.keypoint_view import keypoints
from study.stage_view import stages, trials

if TYPE_CHECKING:
    from study.study import Study

_AXES = {name: f"{labels.axis(name)}; NULL where it means nothing" for name in AXES}
_PAID = {name: _AXES[name] for name, axis in AXES.items() if axis.cost != "free"}
_CONFIGURATION = {"configuration": "key of the configuration"}
_SPLIT = {"dataset": "pf_pascal, pf_willow or spair", "split": "val or test"}

VIEWS: Mapping[str, Mapping[str, str]] = {
    "configurations": {**_CONFIGURATION, **_AXES},
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
        "x": "predicted position in the target image, original pixels",
        "y": "likewise, from the top",
        "true_x": "annotated position, original pixels",
        "true_y": "likewise",
        "error": "distance between the two, in the protocol's pixels",
        "reference": "the length there that alpha multiplies",
        "correct@<alpha>": "whether the error is within alpha; a column an alpha, in double quotes",
    },
    "trials": {
        "trial": "key of a prompt under one extraction setting",
        "tune": "key of the stage that learned the prompt; NULL where none had to",
        **_PAID,
        "configurations": "how many configurations it answers",
        "cells": "how many cells: configurations × splits",
        "done": "how many of these were measured",
        "reason": "why the first of the others was not",
    },
    "stages": {
        "stage": "key, which names the folder in the store",
        "kind": "tune, predict or score",
        "settings": "what is computed, JSON",
        "dataset": "predicted or scored data set, or the one a prompt is used on",
        "split": "val or test; NULL for a tuning",
        "files": "files in the store; 0 when nothing is there",
        "bytes": "their size",
        "seconds": "how long it took; NULL where it was not timed",
    },
}
"""View to column to what it says."""


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


def views_of(study: "Study") -> Views:
    """How each view of a study is made."""
    index, store, rule = study.index, study.folder.store, study.rule

    frames: dict[str, Callable[[], pd.DataFrame]] = {
        "configurations": lambda: study.configurations().reset_index(),
        "scores": lambda: scores(study),
        "trials": lambda: trials(index, study.cells),
        "stages": lambda: stages(index, store, rule),
    }

    def made(name: str) -> View:
        if name == "keypoints":
            return View(*keypoints(index, store, rule))
        return View.of(name, frames[name]())

    return {name: partial(made, name) for name in VIEWS}


def scores(study: "Study") -> pd.DataFrame:
    """The study's cells with where each number comes from."""
    repeats = len(study.rule.alphas)  # `measure` gives a row an alpha, in the order of the index
    whence = study.index.loc[study.index.index.repeat(repeats), ["predict", "data"]]
    return study.cells.assign(**{str(name): whence[name].to_numpy() for name in whence})


def schema() -> str:
    """The views and their columns, for people."""
    lines = []
    for view, columns in VIEWS.items():
        lines.append(view)
        lines += [f"  {column:18} {said}" for column, said in columns.items()]
    return "\n".join([*lines, 'names with a dot need double quotes: "train.layer"'])
