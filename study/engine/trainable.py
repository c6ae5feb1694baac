"""The Ray Tune trainable: one trial is one work item, and actors are kept warm between trials."""

import logging
import traceback
from collections.abc import Iterator
from typing import Any

from ray import tune

from sd4match.errors import SD4MatchError
from study.engine.execute import Workshop
from study.engine.work import Work
from study.provenance.hardware import hardware
from study.scoring import Rule
from study.store import Store

log = logging.getLogger(__name__)


class StageTrainable(tune.Trainable):
    """Does one `Work` item; a step is an epoch of a tuning or a split of a prediction.

    Results are in the store, not in Ray's checkpoints: a trial that is started again continues
    from what the store holds. An exception of ours ends the trial with a ``failure`` in its result
    rather than an error, because Ray retries errors and the same input would fail again; Ray's
    retries are for workers and nodes that died.
    """

    def setup(self, config: dict[str, Any]) -> None:
        """Called once an actor."""
        self._workshop: Workshop | None = None
        self._hardware: dict[str, Any] | None = hardware()
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next work item; the backbone stays."""
        store, rule = Store(new_config["store"]), Rule(**new_config["rule"])
        if self._workshop is None or (
            self._workshop.store.folder != store.folder or self._workshop.rule != rule
        ):
            self._workshop = Workshop(store, rule)
        self._work: Work = new_config["work"]
        self._steps: Iterator[dict[str, Any]] = self._workshop.do(self._work)
        self._parts_left = len(self._work.stages)
        return True

    def step(self) -> dict[str, Any]:
        """Do the next part of the item."""
        try:
            report = next(self._steps, None)
        except SD4MatchError as error:
            return {"done": True, "failure": str(error)}
        except Exception:
            log.exception("%s failed", self._work.label)
            return {"done": True, "failure": traceback.format_exc()}
        # Items of known length end with their last part: an empty step is a round trip for nothing.
        self._parts_left -= self._work.kind != "tune"  # whose parts are epochs, not stages
        # Told once an actor, with its first report.
        told, self._hardware = {"hardware": self._hardware} if self._hardware else {}, None
        return {**(report or {}), **told, "done": report is None or self._parts_left == 0}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing: the store holds it."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing: the store holds it."""
