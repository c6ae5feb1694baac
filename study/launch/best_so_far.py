"""The best configuration so far of a running study, updated as stages end."""

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from math import isnan, nan
from operator import itemgetter
from statistics import fmean

from sd4match.datasets.benchmarks import SPLITS
from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Setting
from study.plan.plan import Plan
from study.plan.stages import Predict
from study.space.axes import Value
from study.space.configuration import Configuration
from study.space.metric import MEAN, Rule, selecting
from study.store.scores import Record, read_averages, score
from study.store.store import Store

log = logging.getLogger(__name__)


class BestSoFar:
    """Reads the scores of each stage once, when it is computed; never computes anything.

    Configurations that differ in the seed alone are one, with the mean over those measured, as
    everywhere (`study.analysis.rows.over_seeds`).

    Args:
        store: where scores are.
        rule: how predictions are scored.
        metric: on validation; None where no data set has a validation split.
        evaluated: the study's data sets.

    Attributes:
        best: value in [0, 1] and configuration, of several seeds the first that was measured; None
            until one is.
    """

    def __init__(
        self, store: Store, rule: Rule, metric: str | None, evaluated: Iterable[str]
    ) -> None:
        self.best: tuple[float, Configuration] | None = None
        self._store = store
        self._rule = rule
        self._metric = selecting(metric) if metric else None
        self._datasets = {
            name
            for name in evaluated
            if self._metric and self._metric.dataset in (name, MEAN) and "val" in SPLITS[name]
        }
        self._wanted: dict[str, dict[Setting, list[Configuration]]] = {}
        self._found: dict[Configuration, dict[str, float]] = defaultdict(dict)
        self._seeds: dict[tuple[Value, ...], dict[Configuration, float]] = defaultdict(dict)
        self._ready: deque[Predict] = deque()
        self._lock = threading.Lock()  # the launch plans, other threads read
        self._reading = threading.Lock()

    def planned(self, plan: Plan, pending: Iterable[str]) -> None:
        """Take note of a plan.

        Args:
            plan: its configurations.
            pending: keys of the predict stages that the store does not hold yet.
        """
        missing = set(pending)
        with self._lock:
            for cell in plan.cells:
                of_metric = cell.data.split == "val" and cell.data.dataset in self._datasets
                if not of_metric or cell.missing or cell.configuration in self._found:
                    continue
                key = cell.predict.key
                if key not in self._wanted and key not in missing:
                    self._ready.append(cell.predict)
                wanted = self._wanted.setdefault(key, {})
                wanted.setdefault(cell.setting, []).append(cell.configuration)

    def measured(self, stages: Iterable[Predict]) -> None:
        """Take note that stages were computed."""
        self._ready.extend(stage for stage in stages if stage.key in self._wanted)

    def read(self, seconds: float) -> None:
        """Read scores of computed stages, for about so many seconds; the rest waits."""
        if not self._reading.acquire(blocking=False):
            return  # another thread reads
        try:
            end, changed = time.monotonic() + seconds, False
            while self._ready and time.monotonic() < end:
                self._read(self._ready.popleft())
                changed = True
            if changed:
                means = ((fmean(of.values()), next(iter(of))) for of in self._seeds.values())
                self.best = max(means, key=itemgetter(0), default=None)
        finally:
            self._reading.release()

    def _read(self, stage: Predict) -> None:
        with self._lock:
            wanted = self._wanted.pop(stage.key, {})
        try:
            values = self._values(stage, list(wanted))
        except (OSError, SD4MatchError) as error:  # the tables will say so; a display stops nothing
            log.debug("%s: %s", stage.label, error)
            return
        for setting, configurations in wanted.items():
            for configuration in configurations:
                self._add(configuration, stage.data.dataset, values.get(setting, nan))

    def _add(self, configuration: Configuration, dataset: str, value: float) -> None:
        found = self._found[configuration]
        found[dataset] = value
        if found.keys() == self._datasets:
            mean = fmean(found.values())
            if not isnan(mean):
                self._seeds[configuration.unseeded][configuration] = mean

    def _values(self, stage: Predict, settings: list[Setting]) -> dict[Setting, float]:
        record = Record(stage.key, stage.data.fingerprint, stage.extraction.image_size)
        values: dict[Setting, float] = {}
        assert self._metric is not None  # otherwise nothing is wanted
        self._store.pull(predicts=[stage.key], data=[stage.data.fingerprint])
        for file in score(self._store, record, settings, self._rule):
            found, averages = read_averages(file)
            by_alpha = averages.point if self._metric.point else averages.pck
            # Without pairs there are no averages.
            values |= dict(zip(found, by_alpha[f"{self._metric.alpha:g}"], strict=False))
        return values
