"""PCK from recorded predictions: per result, and per pair for statistics."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sd4match.datasets.benchmark import object_name
from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Readout, Setting, layer_at
from sd4match.records.parquet import settings_of
from study.analysis.statistics.stats import PairSamples
from study.plan.index import TFLOP
from study.space.axes import AXES
from study.space.metric import Rule
from study.store.scores import Record, read_averages, read_scores, score, scored, truth_of
from study.store.store import Store

PENDING = "not computed yet"
"""The reason of results that are missing without a failure."""

FREE = [name for name, axis in AXES.items() if axis.cost == "free"]


def measure(
    index: pd.DataFrame,
    store: Store,
    rule: Rule,
    *,
    failures: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """PCK of every configuration and split at every alpha.

    Args:
        index: rows as `study.plan.index.frame` gives them.
        store: where the records are; missing scores are computed from the predictions.
        rule: how to score.
        failures: key of a work item to the reason why it failed.

    Returns:
        One row per (configuration, dataset, split, alpha): those and the axes, then ``pck`` (mean
        over pairs with keypoints of each pair's PCK, in [0, 1]), ``pck_point`` (mean over
        keypoints), ``pairs`` (how many count), ``keypoints``, ``status`` ("done" or "missing")
        and ``reason``.
    """
    wide = _averages(index, store, rule)
    merged = index.drop(columns="pairs").merge(
        wide, on=["predict", *FREE], how="left", validate="many_to_one"
    )
    merged["reason"] = _reasons(merged, failures or {})
    measures = [f"{name}@{a:g}" for a in rule.alphas for name in ("pck", "point")]
    internal = ["data", "predict", "extraction", "tune", "missing", TFLOP, *measures]
    kept = merged.drop(columns=internal, errors="ignore")
    cells = kept.loc[kept.index.repeat(len(rule.alphas))].reset_index(drop=True)
    cells["alpha"] = np.tile(np.asarray(rule.alphas, dtype=float), len(kept))
    for column, name in (("pck", "pck"), ("pck_point", "point")):
        by_alpha = merged[[f"{name}@{a:g}" for a in rule.alphas]]
        cells[column] = by_alpha.to_numpy(dtype=float).reshape(-1)
    done = cells["pck"].notna()
    cells["status"] = np.where(done, "done", "missing")
    cells["reason"] = cells["reason"].where(~done, None)
    order = ["alpha", "pck", "pck_point", "pairs", "keypoints", "status", "reason"]
    cells = cells[[name for name in cells if name not in order] + order]
    return cells.astype({"pairs": "Int64", "keypoints": "Int64"})


def samples(cell: "pd.Series[Any]", store: Store, rule: Rule, alpha: float) -> PairSamples:
    """PCK of each pair that counts, with the identity of its images.

    Args:
        cell: a row of the index that `measure` takes.
        store, rule: as for `measure`.
        alpha: one of the rule's.

    Raises:
        SD4MatchError: it was not measured, or not at this alpha.
    """
    if alpha not in rule.alphas:
        raise SD4MatchError(
            f"alpha {alpha:g} is not scored; the study has "
            f"{', '.join(f'{scored:g}' for scored in rule.alphas)}"
        )
    setting = setting_of(cell.to_dict())
    (file,) = score(store, _record(cell.to_dict()), [setting], rule)
    settings, found, keypoints = _counts(store.folder, file, alpha)
    correct = found[settings.index(setting)]
    counts = keypoints > 0
    source, target, category = (part[counts] for part in _identity(store.folder, cell["data"]))
    return PairSamples(correct[counts] / keypoints[counts], source, target, category)


def pairs_of(cell: "pd.Series[Any]", store: Store) -> pd.DataFrame:
    """The pairs behind `samples` in the same order: id, category, grades of difficulty, ….

    Args:
        cell, store: as for `samples`.

    Raises:
        SD4MatchError: their ground truth was never recorded, or is damaged.
    """
    truth, pairs = truth_of(store.folder, str(cell["data"]))
    return pairs[truth.n_keypoints > 0]


@lru_cache(maxsize=64)  # callers ask for the many settings of a file one after the other
def _counts(store: Path, file: Path, alpha: float) -> tuple[list[Setting], np.ndarray, np.ndarray]:
    """A score file's settings, (S, P) counts and (P,) keypoints."""
    return [*settings_of(file)], *read_scores(file, alpha)


@lru_cache(maxsize=16)
def _identity(store: Path, data: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(P,) numbers that name each pair's source image, target image and category."""
    _, pairs = truth_of(store, data)
    images = pd.Categorical(pd.concat([pairs["source"], pairs["target"]])).codes
    source, target = np.split(images, 2)
    # Sub-classes of PF-Willow share images (docs/explanation/method.md section 2), so images are
    # compared within their object.
    category = pd.Categorical(pairs["category"].map(object_name)).codes
    return source, target, category


def _averages(index: pd.DataFrame, store: Store, rule: Rule) -> pd.DataFrame:
    """Averages of all records, by stage and readout setting; missing scores are computed."""
    alphas = [f"{alpha:g}" for alpha in rule.alphas]
    names = ["pairs", "keypoints", *(f"{m}@{a}" for a in alphas for m in ("pck", "point"))]
    rows: list[list[object]] = []
    for record, wanted in _settings_by_record(index).items():
        recorded = store.recorded(record.key)
        found: set[Setting] = set()
        for predictions in dict.fromkeys(recorded[s] for s in wanted if s in recorded):
            file = scored(store, record, predictions, rule)
            settings, averages = read_averages(file)
            for place, setting in enumerate(settings):
                # A setting may be on record twice, in files of different grids: the first counts.
                if setting in found or setting not in wanted:
                    continue
                found.add(setting)
                measured = [
                    measure[alpha][place] if averages.pairs else None
                    for alpha in alphas
                    for measure in (averages.pck, averages.point)
                ]
                about = [averages.pairs, averages.keypoints]
                rows.append([record.key, *wanted[setting], *about, *measured])
    wide = pd.DataFrame(rows, columns=["predict", *FREE, *names])
    return wide.astype({**index[FREE].dtypes, **dict.fromkeys(names, float)})


def _settings_by_record(index: pd.DataFrame) -> dict[Record, dict[Setting, list[object]]]:
    """The readout settings that an index reads from each record, with the values of `FREE`."""
    # As lists: pandas takes a millisecond for each of the many small groups.
    names = ["predict", "data", "image_size", *FREE]
    unique = index.drop_duplicates(["predict", *FREE])
    found: dict[Record, dict[Setting, list[object]]] = {}
    for row in zip(*(unique[name].tolist() for name in names), strict=True):
        by_name = dict(zip(names, row, strict=True))
        settings = found.setdefault(_record(by_name), {})
        settings[setting_of(by_name)] = [by_name[name] for name in FREE]
    return found


def _reasons(merged: pd.DataFrame, failures: Mapping[str, str]) -> "pd.Series[Any]":
    """Why a result is missing, by row; meaningless for rows that are not missing."""
    short = {key: text.strip().splitlines()[-1] for key, text in failures.items()}
    unmeasured = np.where(merged["pairs"].isna(), PENDING, "no pair has a common keypoint")
    reasons = merged["missing"].astype(object)
    for stage in ("extraction", "tune"):
        reasons = reasons.where(reasons.notna(), merged[stage].astype(object).map(short.get))
    return reasons.where(reasons.notna(), unmeasured)


def _record(row: Mapping[Any, Any]) -> Record:
    return Record(str(row["predict"]), str(row["data"]), int(row["image_size"]))


def setting_of(row: Mapping[Any, Any]) -> Setting:
    """The readout setting under which a row of the index is found in its record."""

    def number(name: str) -> float | None:
        return None if pd.isna(row[name]) else float(row[name])

    cosine = pd.isna(row["l2_normalize"]) or bool(row["l2_normalize"])
    place = row["place"]
    return layer_at(int(row["layer"]), None if pd.isna(place) else place), Readout(
        row["localizer"], number("kernel"), number("temperature"), cosine
    )
