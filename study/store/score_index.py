"""The score index of a study: the averages of its scores, remembered between questions.

Questions need a few numbers of each stage, and opening its files takes milliseconds. So whoever
reads a stage's files appends what it read to the index, with the files' sizes and times. A stage is
taken from the index only if all its files, and the folder that lists them, still have these sizes
and times; otherwise its files are read again. Without the index every answer is the same.

The index is a few Parquet files in the study's folder, ``.scores-<rule>-<writer>.parquet``: one a
writer and flush, which never changes. Several become one after a while. They are hidden: they are
no part of the results, and stay on the machine that wrote them. A file that is damaged or missing
costs time alone.
"""

import contextlib
import logging
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from study.plan.index import nullable, schema
from study.plan.inputs import key_of
from study.plan.stages import SCORE_VERSION
from study.space.axes import AXES
from study.space.metric import Rule

log = logging.getLogger(__name__)

VERSION = 1
"""Of the files' format: others are not read."""
FREE = [name for name, axis in AXES.items() if axis.cost == "free"]
"""The axes whose values are read from one record."""
SETTLED = 2 * 10**9
"""Nanoseconds: a file is remembered once it is older. A clock that counts in steps, of 2 s on some
file systems, gives a file that changes twice within a step the same time."""
MOST = 8
"""Files of an index; then they become one."""

Stamp = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""


@dataclass(frozen=True)
class Entry:
    """What was read of a predict stage.

    Attributes:
        key: of the stage.
        files: all files that the answer depends on, and the folder that lists them.
        rows: values of `ScoreIndex.columns`, one row for each setting that was asked for.
        devices: kinds of devices that it was computed on (`study.store.devices`).
    """

    key: str
    files: tuple[Path, ...]
    rows: Sequence[Sequence[Any]]
    devices: Sequence[str] = ()


class ScoreIndex:
    """The index of a study under one rule.

    Args:
        folder: the study's folder.
        store: the store's folder.
        rule: how predictions are scored.

    Attributes:
        folder: of the study.
        columns: of each row but ``predict``: readout settings, the score file (None: the setting is
            not recorded), and averages.
    """

    def __init__(self, folder: Path, store: Path, rule: Rule) -> None:
        self.folder, self._store = folder, store
        self._name = key_of({"version": [VERSION, SCORE_VERSION], **asdict(rule)})[:10]
        self.columns = [*FREE, "scores", *averages_of(rule)]
        kinds = [*(schema().field(name).type for name in FREE), pa.string()]
        kinds += [pa.float64()] * (len(self.columns) - len(kinds))
        lists = zip(self.columns, map(pa.list_, kinds), strict=True)
        self._schema = pa.schema(
            [
                ("predict", pa.string()),
                ("file", pa.list_(pa.string())),
                ("size", pa.list_(pa.int64())),
                ("time", pa.list_(pa.int64())),
                ("devices", pa.list_(pa.string())),
                *lists,
            ]
        )
        self._segments: list[Path] = []
        self._fresh = self._schema.empty_table()

    def read(self) -> pd.DataFrame:
        """The remembered rows of all stages whose files are as they were.

        Returns:
            Columns ``predict`` and `columns`; a row for each stage and setting.
        """
        found = []
        self._segments = sorted(self.folder.glob(f".scores-{self._name}-*.parquet"), key=_time)
        for segment in self._segments:
            table = _table_of(segment)
            if table is not None and table.schema.equals(self._schema):
                found.append(table)
        table = pa.concat_tables([self._schema.empty_table(), *found]).combine_chunks()
        if len(found) > 1:  # a stage that was read again counts as it was read last
            last = ~pd.Index(table["predict"].to_pandas()).duplicated(keep="last")
            table = table.filter(pa.array(last))
        self._fresh = table.filter(pa.array(self._unchanged(table))).combine_chunks()
        return self._frame(self._fresh)

    def devices(self) -> dict[str, list[str]]:
        """The kinds of devices of the stages that `read` gave, by key."""
        names = ("predict", "devices")
        keys, found = (self._fresh[name].to_pylist() for name in names)
        return dict(zip(keys, found, strict=True))

    def _unchanged(self, table: pa.Table) -> np.ndarray:
        """Whether each stage's files are as they were."""
        names, sizes, times = (_flat(table, name) for name in ("file", "size", "time"))
        same = np.empty(len(names), dtype=bool)
        start = f"{self._store}{os.sep}"
        known = zip(names.to_pylist(), sizes.to_pylist(), times.to_pylist(), strict=True)
        for place, (name, size, time) in enumerate(known):
            try:
                status = os.stat(start + name)  # noqa: PTH116 - a Path takes three times as long
                same[place] = status.st_size == size and status.st_mtime_ns == time
            except OSError:
                same[place] = False
        stages = np.repeat(np.arange(len(table)), _lengths(table, "file"))
        return np.bincount(stages[~same], minlength=len(table)) == 0

    def _frame(self, table: pa.Table) -> pd.DataFrame:
        stages = np.repeat(np.arange(len(table)), _lengths(table, "scores"))
        flat = pa.table(
            {
                "predict": table["predict"].combine_chunks().take(pa.array(stages)),
                **{name: _flat(table, name) for name in self.columns},
            }
        )
        made: pd.DataFrame = flat.to_pandas(types_mapper=nullable)
        return made

    def add(self, entries: Iterable[Entry], moment: int | None) -> None:
        """Remember what was read after `read`, as far as its files are settled.

        Args:
            entries: stages that were read.
            moment: what `now` said before they were read.
        """
        if moment is None:
            return
        stamped = [(entry, self._stamps(entry.files)) for entry in entries]
        # What changed after `moment` is younger, or its folder is.
        kept = [
            (entry, files)
            for entry, files in stamped
            if files and max(time for _, time in files.values()) < moment - SETTLED
        ]
        if not kept:
            return
        table = self._table(kept)
        whole = len(self._segments) >= MOST
        if whole:
            again = pa.array(~self._fresh["predict"].to_pandas().isin({e.key for e, _ in kept}))
            table = pa.concat_tables([self._fresh.filter(again), table])
        try:
            target = self.folder / f".scores-{self._name}-{secrets.token_hex(6)}.parquet"
            with atomic_path(target) as temporary:
                pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)
            if whole:
                for old in self._segments:
                    old.unlink(missing_ok=True)
        except (OSError, SD4MatchError) as error:  # read-only, or full: answers do not need it
            log.debug("score index: %s", error)

    def _stamps(self, files: Iterable[Path]) -> dict[str, Stamp]:
        """Sizes and times of files, by name below the store; empty if one is missing."""
        found = {}
        for file in files:
            try:
                status = file.stat()
            except OSError:
                return {}
            found[file.relative_to(self._store).as_posix()] = (status.st_size, status.st_mtime_ns)
        return found

    def _table(self, kept: Sequence[tuple[Entry, dict[str, Stamp]]]) -> pa.Table:
        columns: dict[str, list[Any]] = {
            "predict": [entry.key for entry, _ in kept],
            "file": [list(files) for _, files in kept],
            "size": [[size for size, _ in files.values()] for _, files in kept],
            "time": [[time for _, time in files.values()] for _, files in kept],
            "devices": [list(entry.devices) for entry, _ in kept],
        }
        for place, name in enumerate(self.columns):
            columns[name] = [[_plain(row[place]) for row in e.rows] for e, _ in kept]
        return pa.Table.from_pydict(columns, schema=self._schema)


def now(folder: Path) -> int | None:
    """The time by the clock of a folder's file system, ns; None where nothing can be written.

    Args:
        folder: a study's folder.
    """
    probe = folder / f".clock-{secrets.token_hex(8)}"
    try:
        probe.touch()
        try:
            return probe.stat().st_mtime_ns
        finally:
            probe.unlink(missing_ok=True)
    except OSError:
        return None


def noted(folder: Path) -> dict[str, Stamp]:
    """Sizes and times of the files that a study's indexes were read from.

    Args:
        folder: the study's folder.

    Returns:
        By name below the store, folders too.
    """
    found: dict[str, Stamp] = {}
    for segment in sorted(folder.glob(".scores-*.parquet"), key=_time):
        if (table := _table_of(segment, ["file", "size", "time"])) is not None:
            names, sizes, times = (_flat(table, n).to_pylist() for n in ("file", "size", "time"))
            found.update(zip(names, zip(sizes, times, strict=True), strict=True))
    return found


def _table_of(segment: Path, names: list[str] | None = None) -> pa.Table | None:
    """What a file of an index holds; None if it is gone, or damaged."""
    try:
        with segment.open("rb") as opened:
            return pq.ParquetFile(opened, page_checksum_verification=True).read(names)
    except (OSError, pa.ArrowException) as error:
        log.debug("%s: %s", segment, error)
        return None


def averages_of(rule: Rule) -> list[str]:
    """Columns of the averages under a rule."""
    alphas = [f"{alpha:g}" for alpha in rule.alphas]
    return ["pairs", "keypoints", *(f"{m}@{a}" for a in alphas for m in ("pck", "point"))]


def _plain(value: Any) -> Any:
    return None if value is pd.NA or value != value else value


def _flat(table: pa.Table, name: str) -> pa.Array:
    return table[name].combine_chunks().flatten()


def _lengths(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(table[name].combine_chunks().value_lengths())


def _time(file: Path) -> tuple[int, str]:
    with contextlib.suppress(OSError):
        return file.stat().st_mtime_ns, file.name
    return 0, file.name
