"""PCK from recorded predictions: per result, and per pair for statistics."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sd4match.datasets.benchmark import object_name
from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Readout, Setting, layer_at
from study.analysis.statistics.stats import PairSamples
from study.plan.index import TFLOP
from study.space.metric import Rule
from study.store.devices import devices_of
from study.store.score_index import FREE, Entry, ScoreIndex, averages_of, now
from study.store.scores import Record, read_averages, read_scores, score, scored, truth_of
from study.store.store import Store

PENDING = "not computed yet"
"""The reason of results that are missing without a failure."""


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
    return cells_of(measured(index, store, rule, failures=failures), rule)


def measured(
    index: pd.DataFrame,
    store: Store,
    rule: Rule,
    *,
    failures: Mapping[str, str] | None = None,
    remembered: ScoreIndex | None = None,
) -> pd.DataFrame:
    """The rows of an index with their averages.

    Args:
        index, store, rule, failures: as for `measure`.
        remembered: where averages are remembered; they are the same without it.

    Returns:
        The index's rows in its order, with ``scores`` (name of the score file below the store, None
        where the setting is not recorded), ``reason`` (why it is missing, if it is), and the
        columns of `study.store.score_index.averages_of` the rule.
    """
    merged = index.drop(columns="pairs").merge(
        averages(index, store, rule, remembered),
        on=["predict", *FREE],
        how="left",
        validate="many_to_one",
    )
    merged["reason"] = _reasons(merged, failures or {})
    return merged


def cells_of(merged: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """What `measure` returns, of rows that `measured` made."""
    measures = [f"{name}@{a:g}" for a in rule.alphas for name in ("pck", "point")]
    internal = ["data", "predict", "extraction", "tune", "missing", TFLOP, "scores", *measures]
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


def samples(cell: Mapping[Any, Any], store: Store, rule: Rule, alpha: float) -> PairSamples:
    """PCK of each pair that counts, with the identity of its images.

    Args:
        cell: a row of the index that `measure` takes, or of `measured`, which names the score file.
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
    setting = setting_of(cell)
    if isinstance(name := cell.get("scores"), str):
        file = store.folder / name
    else:
        (file,) = score(store, _record(cell), [setting], rule)
    settings, found, keypoints = _counts(file, alpha)
    correct = found[settings.index(setting)]
    counts, source, target, category = _identity(store.folder, str(cell["data"]))
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
def _counts(file: Path, alpha: float) -> tuple[list[Setting], np.ndarray, np.ndarray]:
    """A score file's settings, (S, P) counts and (P,) keypoints."""
    return read_scores(file, alpha)


@lru_cache(maxsize=16)
def _identity(store: Path, data: str) -> tuple[np.ndarray, ...]:
    """(P,) which pairs count; numbers that name their source image, target image and category."""
    truth, pairs = truth_of(store, data)
    images = pd.Categorical(pd.concat([pairs["source"], pairs["target"]])).codes
    source, target = np.split(images, 2)
    # Sub-classes of PF-Willow share images (docs/explanation/method.md section 2), so images are
    # compared within their object.
    category = pd.Categorical(pairs["category"].map(object_name)).codes
    counts = truth.n_keypoints > 0
    return counts, source[counts], target[counts], category[counts]


def averages(
    index: pd.DataFrame, store: Store, rule: Rule, remembered: ScoreIndex | None = None
) -> pd.DataFrame:
    """Averages of all records, by stage and readout setting; missing scores are computed.

    Args:
        index, store, rule: as for `measure`.
        remembered: where averages are remembered; they are the same without it.

    Returns:
        Columns ``predict``, the free axes, ``scores`` (the score file's name below the store), and
        `study.store.score_index.averages_of` the rule.

    Raises:
        SD4MatchError: a file is damaged, or the ground truth is not recorded.
    """
    kinds = {**index[FREE].dtypes, **dict.fromkeys(averages_of(rule), float)}
    names = ["predict", *FREE, "scores", *averages_of(rule)]
    if remembered is None:
        rows = [row for entry in _read(index, store, rule) for row in _of(entry)]
        return pd.DataFrame(rows, columns=names).astype(kinds)
    known = remembered.read().astype(kinds)
    matched = index[["predict", *FREE]].merge(
        known[["predict", *FREE]], on=["predict", *FREE], how="left", indicator=True
    )
    stale = set(index["predict"][(matched["_merge"] == "left_only").to_numpy()])
    if not stale:
        return known
    moment = now(remembered.folder)
    # As objects: pandas compares text of Arrow one by one.
    entries = list(_read(index[index["predict"].astype(object).isin(stale)], store, rule))
    remembered.add(entries, moment)
    new = pd.DataFrame([row for entry in entries for row in _of(entry)], columns=names)
    kept = known[~known["predict"].astype(object).isin(stale)]
    return pd.concat([kept, new.astype(kinds)], ignore_index=True)


def _of(entry: Entry) -> list[list[object]]:
    return [[entry.key, *row] for row in entry.rows]


def _read(index: pd.DataFrame, store: Store, rule: Rule) -> Iterator[Entry]:
    """The averages of each record, from its files."""
    alphas = [f"{alpha:g}" for alpha in rule.alphas]
    predicted = store.predicted()
    nothing = [None] * (1 + len(averages_of(rule)))
    for record, wanted in _settings_by_record(index).items():
        if record.key not in predicted:
            continue
        recorded = store.recorded(record.key)
        of_wanted = dict.fromkeys(recorded[s] for s in wanted if s in recorded)
        files = [scored(store, record, predictions, rule) for predictions in of_wanted]
        rows = {setting: [*free, *nothing] for setting, free in wanted.items()}
        found: set[Setting] = set()
        for file in files:
            settings, of_file = read_averages(file)
            for place, setting in enumerate(settings):
                # A setting may be on record twice, in files of different grids: the first counts.
                if setting in found or setting not in wanted:
                    continue
                found.add(setting)
                measured = [
                    measure[alpha][place] if of_file.pairs else None
                    for alpha in alphas
                    for measure in (of_file.pck, of_file.point)
                ]
                about = [
                    file.relative_to(store.folder).as_posix(),
                    of_file.pairs,
                    of_file.keypoints,
                ]
                rows[setting] = [*wanted[setting], *about, *measured]
        folder = store.folder / "predict" / record.key
        read = (folder, *dict.fromkeys(recorded.values()), *files)
        devices = devices_of(store, predicts=[record.key]).get(record.key, [])
        yield Entry(record.key, read, list(rows.values()), devices)


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
