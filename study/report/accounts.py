"""Coverage, missing results, work with and without sharing, and provenance of a study."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from study.analysis.measuring import PENDING
from study.analysis.results import Results
from study.analysis.rows import configurations
from study.space import labels
from study.space.labels import clock, several
from study.store import heartbeat
from study.tables import status

MOST = 5
"""Configurations that are listed for one reason; the others are counted."""


@dataclass(frozen=True)
class Progress:
    """How much of a study is computed.

    Attributes:
        cells: how many results it has (configuration × data set × split).
        done: how many of them are computed.
        pending: how many may still be computed.
        running: the live state of its launch, in lines; empty where no launch runs.
    """

    cells: int
    done: int
    pending: int
    running: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """Results that are missing and will not be computed without a change."""
        return self.cells - self.done - self.pending


@dataclass(frozen=True)
class Hole:
    """Results that are missing for one reason."""

    reason: str
    cells: int
    places: str
    examples: tuple[str, ...]
    more: int


@dataclass(frozen=True)
class Line:
    """A kind of work: how often it was needed, and how long it took.

    Attributes:
        what: the kind of work.
        shared, alone: how often, with and without sharing.
        computed: how often this study's launches computed it, instead of finding it already
            computed; ``–`` where that was not recorded.
        wall, device: wall time of what they computed, and device time.
    """

    what: str
    shared: int
    alone: int
    computed: str = labels.MISSING
    wall: str = labels.MISSING
    device: str = labels.MISSING


def _once(study: Results) -> pd.DataFrame:
    return study.cells.drop_duplicates(["configuration", "dataset", "split"])


def progress(study: Results) -> Progress:
    """Count the results that are computed and those that may still be."""
    cells = _once(study)
    missing = cells[cells["status"] != "done"]
    pending = int((missing["reason"] == PENDING).sum())
    beat = heartbeat.read(study.folder.path)
    running = status.live_lines(beat) if beat and beat["alive"] else []
    return Progress(len(cells), len(cells) - len(missing), pending, tuple(running))


def holes(study: Results) -> list[Hole]:
    """The missing results by reason, the most frequent reason first."""
    cells = _once(study)
    missing = cells[cells["status"] != "done"]
    table = configurations(cells)
    fixed = {
        axis for axis in next(iter(table.values())) if len({r[axis] for r in table.values()}) == 1
    }
    found = []
    for reason, rows in missing.groupby("reason", sort=False):
        keys = list(dict.fromkeys(rows["configuration"]))
        examples = [
            f"{key}: {labels.settings({a: v for a, v in table[key].items() if a not in fixed})}"
            for key in keys[:MOST]
        ]
        places = rows["dataset"].map(labels.dataset) + " " + rows["split"]
        found.append(
            Hole(str(reason), len(rows), ", ".join(places.unique()), tuple(examples),
                 len(keys) - len(examples))
        )  # fmt: skip
    return sorted(found, key=lambda hole: -hole.cells)


def work(study: Results) -> list[Line]:
    """The work of a study with and without sharing, and the time that its launches spent on it."""
    index = study.index[study.index["missing"].isna()]
    lines = []
    for what, column in (
        ("prompts to learn", "tune"),
        ("trials (prompt × extraction setting)", "extraction"),
        ("predictions of a split", "predict"),
    ):
        needed = index.dropna(subset=[column])
        alone = len(needed.drop_duplicates(["configuration", column]))
        keys = needed[column].unique()
        # The time of a trial is that of its splits, which have a line of their own.
        spent = () if column == "extraction" else _spent(study, keys)
        lines.append(Line(what, len(keys), alone, *spent))
    return lines


def _spent(study: Results, keys: Iterable[str]) -> tuple[str, ...]:
    """How many of these stages were computed, and in what time."""
    if study.provenance is None:
        return ()
    stages = study.provenance["stages"]
    timed = [stages[key] for key in keys if "wall_s" in stages.get(key, {})]
    wall, device = (sum(stage[name] for stage in timed) for name in ("wall_s", "device_s"))
    return f"{len(timed):,}", clock(wall), clock(device)


Fact = tuple[str, str]
"""Name and value."""


def origin(study: Results, devices: Mapping[str, int]) -> list[Fact]:
    """Code, versions, devices and data; with machines and launches where these were recorded.

    Args:
        study: the study.
        devices: `Results.devices` of it.
    """
    facts = study.folder.facts
    computed = "; ".join(f"{kind}: {several(count, 'stage')}" for kind, count in devices.items())
    found = [
        ("code", study.revision),
        *([("computed on", computed)] if devices else []),
        ("versions", ", ".join(f"{name} {at}" for name, at in facts["versions"].items())),
        *_data(study),
    ]
    record = study.provenance
    return [*found, *(_recorded(record) if record else [("machine", str(facts["machine"]))])]


def _data(study: Results) -> Iterator[Fact]:
    data = study.index.drop_duplicates(["dataset", "split"])[["dataset", "split", "pairs", "data"]]
    for dataset, split, pairs, fingerprint in data.itertuples(index=False):
        yield f"{labels.dataset(dataset)} {split}", f"{pairs:,} pairs, {fingerprint[:16]}"


def _recorded(record: Mapping[str, Any]) -> Iterator[Fact]:
    """The record of `study.launch.provenance`, in words."""
    for name, backbone in record["backbones"].items():
        facts = [f"{backbone[what]}" for what in ("fingerprint", "device", "dtype")]
        yield f"backbone {name}", ", ".join([facts[0][:16], *facts[1:]])
    seeds = record["seeds"].items()
    yield "seeds", ", ".join(f"{of} {str(seed).strip('[]')}" for of, seed in seeds)
    machines = {str(one): one for launch in record["launches"] for one in launch["machines"]}
    for one in machines.values():
        gpus = [f"{gpu['name']} ({gpu['memory_gb']} GB)" for gpu in one["gpus"]]
        parts = [one["cpu"], several(one["cores"], "core"), f"{one['memory_gb']} GB", *gpus]
        yield f"machine {one['host']}", ", ".join([*parts, one["system"]])
    for number, launch in enumerate(record["launches"], 1):
        yield f"launch {number}", "; ".join(_launch(launch))


def _launch(launch: Mapping[str, Any]) -> Iterator[str]:
    yield f"{launch['started']}, {launch['outcome'] or 'not ended'}"
    yield shlex.join(launch["command"])
    for kind, spent in launch.get("time", {}).items():
        if "stages" in spent:
            yield f"{spent['stages']} × {kind} in {clock(spent['wall_s'])}"
