"""The record of how a study's numbers were computed, with one entry per launch.

``provenance.json`` in the study's folder holds what is asked (resolved configuration, stages,
fingerprints, seeds) and a list of launches (time, command, code, versions, machines, outcome);
``code-<hash>.diff`` beside it is the difference of the code from its revision. Both depend on
clocks and machines: no other file of a finished study differs between two runs.
"""

import datetime
import hashlib
import logging
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import yaml

from sd4match.errors import SD4MatchError
from sd4match.files.masking import masked
from study.engine.listener import Listener
from study.engine.machine import Code, code
from study.engine.work import Work
from study.plan.plan import Plan
from study.plan.stages import Latents, Predict, Tune
from study.space.configuration import Configuration
from study.space.space import Space
from study.store.study_folder import PACKAGES, StudyFolder

log = logging.getLogger(__name__)

Stage = Latents | Tune | Predict

WRITTEN = 30.0
"""Seconds between writes while a launch runs; a killed launch loses what was not written yet."""
SHARE = 0.02
"""The share of a launch's time that writing may take: thousands of stages take seconds."""


class Provenance(Listener):
    """Keeps ``provenance.json`` up to date during one launch.

    Args:
        space, folder: of the study.
        command: the command line, or what else started this.
        overrides: what the user changed of the search space's file.

    Attributes:
        outcome: how the launch ends if no error and no signal ends it.
        over: how many work items are computed, and of how many; asked at the end.
    """

    def __init__(
        self, space: Space, folder: StudyFolder, *, command: Sequence[str], overrides: Sequence[str]
    ) -> None:
        earlier = folder.read_provenance() or {}
        self.outcome = "finished"
        self.over: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self._folder = folder
        self._code = code()
        self._resources = space.file.resources
        self._stages: dict[str, dict[str, Any]] = {}
        self._known: dict[str, dict[str, Any]] = earlier.get("stages", {})
        self._preflight = 0.0
        self._written = False
        self._due = 0.0
        self._warned = ""
        self._configurations: set[Configuration] = set()
        self._asked: dict[str, Any] = {
            "study": space.name,
            "configuration": yaml.safe_load(space.to_yaml()),
            "seeds": _seeds(space),
            "plan": {},
            "data": {},
            "backbones": {},
        }
        self._launch: dict[str, Any] = {
            "started": _now(),
            "ended": None,
            "outcome": None,
            "command": [masked(word) for word in command],
            "overrides": [masked(word) for word in overrides],
            "budget": asdict(space.file.budget),
            "code": _code_facts(self._code),
            "python": platform.python_version(),
            "versions": {package: version(package) for package in PACKAGES},
            "machines": [],
            "failed": 0,
            "stopped": 0,
        }
        self._launches: list[dict[str, Any]] = [*earlier.get("launches", []), self._launch]

    def planned(self, plan: Plan, items: Sequence[Work]) -> None:
        """Take note of a plan; the file appears with the first one."""
        self._configurations.update(plan.by_configuration)
        stages: list[Stage] = [*plan.latents.values(), *plan.tunes.values()]
        for stage in [*stages, *plan.predicts.values()]:
            entry = {"kind": type(stage).__name__.lower(), "label": stage.label}
            self._stages.setdefault(stage.key, self._known.get(stage.key, entry))
        for latents in plan.latents.values():
            data, machine = latents.data, latents.machine
            named = f"{data.dataset} {data.split}"
            self._asked["data"][named] = {
                "fingerprint": data.fingerprint, "root": data.root, "pairs": data.pairs,
                "images": data.images,
            }  # fmt: skip
            self._asked["backbones"][machine.backbone] = {
                "fingerprint": machine.fingerprint, "device": machine.device,
                "dtype": machine.dtype, "threads": machine.threads,
                "batch_size": machine.batch_size, "image_encoders": dict(machine.image_encoders),
            }  # fmt: skip
        self.write()

    def event(self, event: str, work: Work, message: str) -> None:
        """Count failed and stopped items."""
        if event in ("failed", "stopped"):
            self._launch[event] += 1

    def report(self, work: Work, result: Mapping[str, Any]) -> None:
        """Take note of how long a part of an item took, and where."""
        machine, seconds = result.get("hardware"), float(result["time_this_iter_s"])
        if machine and machine not in self._launch["machines"]:
            self._launch["machines"].append(machine)
        if work.kind == "preflight":
            self._preflight += seconds
            return
        stage = next((s for s in work.stages if _split(s) == result.get("split")), None)
        if stage is None:  # the report only says where the item runs
            return
        entry = self._stages[stage.key]
        if entry.get("launch") != len(self._launches):
            entry = {name: entry[name] for name in ("kind", "label")}
            entry |= {"launch": len(self._launches), "wall_s": 0.0, "device_s": 0.0}
        entry["wall_s"] = round(entry["wall_s"] + seconds, 3)
        entry["device_s"] = round(entry["wall_s"] * self._devices(stage), 3)
        entry["host"] = result["hostname"]
        self._stages[stage.key] = entry
        if time.monotonic() > self._due:
            self.write()

    def close(self, outcome: str) -> None:
        """Record how the launch ended, if it began."""
        if self._written:
            done, of = self.over()
            self._launch |= {"ended": _now(), "outcome": outcome, "done": done, "of": of}
            self._write()

    def write(self) -> None:
        """Write the files; while work goes on, a record that cannot be written stops nothing."""
        try:
            self._write()
            self._warned = ""
        except (OSError, SD4MatchError) as error:
            if self._warned != str(error):
                self._warned = str(error)
                log.warning("%s", self._warned)

    def _write(self) -> None:
        started, self._written = time.monotonic(), True
        self._launch["time"] = {"preflight": {"wall_s": round(self._preflight, 3)}, **self._times()}
        self._asked["plan"] = {
            "configurations": len(self._configurations),
            **Counter(entry["kind"] for entry in self._stages.values()),
        }
        try:
            self._folder.write_provenance(
                {**self._asked, "launches": self._launches, "stages": self._stages}
            )
            if self._code.diff:
                self._folder.write_diff(self._launch["code"]["diff"], self._code.diff)
        finally:
            ended = time.monotonic()
            self._due = ended + max(WRITTEN, (ended - started) / SHARE)

    def _times(self) -> dict[str, dict[str, float]]:
        """The time that this launch spent, by kind of stage."""
        own = [
            entry for entry in self._stages.values() if entry.get("launch") == len(self._launches)
        ]
        return {
            kind: {
                "stages": len(of_kind),
                "wall_s": round(sum(entry["wall_s"] for entry in of_kind), 3),
                "device_s": round(sum(entry["device_s"] for entry in of_kind), 3),
            }
            for kind in ("latents", "tune", "predict")
            if (of_kind := [entry for entry in own if entry["kind"] == kind])
        }

    def _devices(self, stage: Stage) -> float:
        """How many GPUs, or cores where there are none, a stage keeps busy."""
        machine = stage.extraction.machine if isinstance(stage, Predict) else stage.machine
        if machine.device == "cuda":
            wanted = self._resources.gpus_per_trial
            return 1.0 if wanted is None else wanted
        return float(self._resources.cpus_per_trial)


@contextmanager
def recorded(record: Provenance) -> Iterator[None]:
    """Record how the block ends: finished, interrupted, or failed and why.

    Raises:
        SD4MatchError: the block ended well, but that cannot be recorded.
    """
    try:
        yield
    except KeyboardInterrupt:
        _try_to_close(record, "interrupted")
        raise
    except Exception as error:
        _try_to_close(record, masked(f"failed: {error}"))
        raise
    record.close(record.outcome)


def _try_to_close(record: Provenance, outcome: str) -> None:
    """Close a record of a launch that fails anyway."""
    try:
        record.close(outcome)
    except (OSError, SD4MatchError) as error:
        log.warning("%s", error)


def _split(stage: Stage) -> str | None:
    """The name of a stage in a report of its item; None where an item is one stage."""
    return f"{stage.data.dataset} {stage.data.split}" if isinstance(stage, Predict) else None


def _seeds(space: Space) -> dict[str, Any]:
    file = space.file
    seeds: dict[str, Any] = {
        "configurations": list(space.axes.get("seed", [space.baseline["seed"]])),
        "data": file.data.seed,
    }
    if file.design == "factorial":
        seeds["factorial"] = file.factorial.seed
    if file.design == "search":
        seeds["search"] = file.search.seed
    return seeds


def _code_facts(state: Code) -> dict[str, Any]:
    digest = hashlib.sha256(state.diff.encode()).hexdigest()[:8]
    diff = f"code-{digest}.diff" if state.diff else None
    return {"revision": state.revision, "diff": diff, "untracked": list(state.untracked)}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
