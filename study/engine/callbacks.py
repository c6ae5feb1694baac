"""Ray Tune callbacks: reports, curves and nodes of a launch, and those a space names."""

import importlib
import inspect
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.progress_reporter import TrialProgressCallback

from sd4match.errors import SD4MatchError
from study.engine.listener import Listener
from study.engine.work import Work
from study.plan.stages import Tune
from study.space.targets import EXAMPLE, RAYS, TARGET, registered

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

log = logging.getLogger(__name__)

LOOK = 2.0  # seconds between two looks at the nodes


class DriverCallback(Callback):
    """A callback of the driver with no state for Ray to save: a study resumes from its store."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class Silent(TrialProgressCallback):
    """Takes the place of Ray's own, which would print nothing here but keep every trial."""

    def log_result(self, trial: Trial, result: dict[str, Any], error: bool = False) -> None:
        """Called with each report."""

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """Called when an item is over."""


class Reports(DriverCallback):
    """Passes the start of an item, and the report of each part of it, on to a listener."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """A worker takes an item."""
        self._listener.begun(trial.config["work"])

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """A part is done."""
        self._listener.report(trial.config["work"], result)


class Steps(DriverCallback):
    """Calls a function at each step of Ray Tune, some times a second.

    Args:
        check: what it raises ends Tune.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Called by Ray Tune."""
        self._check()


class Curves(DriverCallback):
    """Loss and validation PCK of tunings by step, for TensorBoard: one run per tune stage.

    Args:
        folder: where the runs are written; made with the first of them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._boards: dict[str, SummaryWriter] = {}
        self._last: dict[str, int] = {}
        self._broken = False

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """Some steps or an epoch are done."""
        work: Work = trial.config["work"]
        step = result.get("step")
        # After its worker died, a tuning repeats some steps, with the same result.
        if not isinstance(work.stages[0], Tune) or not step or step < self._last.get(work.key, 0):
            return
        if self._broken:
            return
        try:
            self._draw(work, step, result)
        except OSError as error:  # a full disk stops the work, not its curves
            log.warning("%s: %s: no more curves in this launch", self._folder, error)
            self._broken = True  # the writer's own thread is dead, and closing would wait for it
            self._boards.clear()

    def _draw(self, work: Work, step: int, result: Mapping[str, Any]) -> None:
        if work.key not in self._boards:
            # Imported late: it brings torch, which a launch that learns nothing does without.
            from tensorboardX import SummaryWriter

            # Hides steps that an earlier launch logged past its last checkpoint: they come again.
            run, since = str(self._folder / named(work)), f".{step:08}"
            board = SummaryWriter(run, purge_step=step, filename_suffix=since)
            self._boards[work.key] = board
        board = self._boards[work.key]
        for tag, name in (("train/loss", "loss"), ("val/pck", "val_pck")):
            if result.get(name) is not None:
                board.add_scalar(tag, result[name], step)
        board.flush()
        self._last[work.key] = step

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """An item is over."""
        if board := self._boards.pop(trial.config["work"].key, None):
            with suppress(OSError):
                board.close()

    on_trial_error = on_trial_complete


class Nodes(DriverCallback):
    """Reports nodes that a cluster loses or gains while trials run.

    Args:
        on_event: called with (``lost`` or ``joined``, a place, message).
    """

    def __init__(self, on_event: Callable[[str, Work, str], None]) -> None:
        self._on_event = on_event
        self._nodes = living_nodes()
        self._looked = time.monotonic()

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Called by Ray Tune after each of its steps."""
        if time.monotonic() - self._looked < LOOK:
            return
        before, now = self._nodes, living_nodes()
        self._nodes, self._looked = now, time.monotonic()
        for event, one, other in (("lost", before, now), ("joined", now, before)):
            for key in sorted(one.keys() - other.keys()):
                place = Work("place", key, f"node {one[key]}", ())
                self._on_event(
                    event,
                    place,
                    f"{len(now)} nodes are left" if event == "lost" else f"{len(now)} nodes",
                )


def living_nodes() -> dict[str, str]:
    """Id and name of each living node."""
    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return {node["NodeID"]: node["NodeManagerHostname"] for node in found if node["Alive"]}


def named(work: Work) -> str:
    """An item as the name of a folder: what it is, and enough of its key to tell it from others."""
    return f"{re.sub(r'[^A-Za-z0-9=.+-]+', '-', work.label)}-{work.key[:6]}"


def check(callbacks: Sequence[Mapping[str, Any]]) -> None:
    """Refuse what is no callback of Ray Tune, and arguments that it does not take.

    Args:
        callbacks: ``{_target_: package.Class, argument: value, …}`` each, of a checked space: only
            what `study.space.targets` allows is imported.

    Raises:
        SD4MatchError: one of them is wrong; says which, and why.
    """
    for number, given in enumerate(callbacks):
        where, target = f"callbacks[{number}]", given[TARGET]
        try:
            made_by = _class(target)
        except Exception as error:  # whatever a package raises when it is imported
            raise SD4MatchError(f"{where}: no class {target}: {_one_line(error)}") from None
        if not (inspect.isclass(made_by) and issubclass(made_by, Callback)):
            raise SD4MatchError(f"{where}: {target} is no ray.tune.Callback; for example {EXAMPLE}")
        try:
            inspect.signature(made_by).bind(**_arguments(given))
        except TypeError as error:
            raise SD4MatchError(f"{where}: {target}: {error}") from None


def create(callbacks: Sequence[Mapping[str, Any]]) -> list[Callback]:
    """The callbacks that a space names, checked by `check`.

    Raises:
        SD4MatchError: one cannot be made.
    """
    made: list[Callback] = []
    for given in callbacks:
        try:
            # Not by Hydra, which would make objects of arguments too.
            made.append(_class(given[TARGET])(**_arguments(given)))
        except Exception as error:  # whatever a package raises
            reason = _one_line(error)
            raise SD4MatchError(f"callbacks: {given[TARGET]} cannot be made: {reason}") from error
    return made


def _class(target: str) -> Any:
    if not target.startswith(RAYS):
        entry = registered(target)
        assert entry is not None  # a checked space
        return entry.load()
    module, _, name = target.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name != TARGET}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
