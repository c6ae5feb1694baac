"""Optuna proposes the paid axes; the free ones are searched exactly in every trial."""

import itertools
from collections.abc import Callable, Iterator, Mapping

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from sd4match.errors import SD4MatchError, require_known
from study import cells
from study.answers import measure
from study.axes import AXES, Configuration, Value
from study.metric import selecting, value
from study.plan import Plan, Planner
from study.space import Space
from study.store import Store

SAMPLERS: Mapping[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


class OptunaSearch:
    """A search in synchronous generations: asked in order, told in order, so it repeats exactly.

    Nothing of Optuna's needs to be stored to continue: the same seed proposes the same points, and
    what was measured is in the store. A point that was proposed before is not proposed to Ray
    again, because the plan shares it. Source: DESIGN.md, ideas 6 and 8.

    Args:
        space: with ``design: search``.
        planner: plans its configurations.
        store: where results are.

    Raises:
        SD4MatchError: unknown sampler, or a metric that is not on validation.
    """

    def __init__(self, space: Space, planner: Planner, store: Store) -> None:
        search = space.file.search
        require_known(search.sampler, SAMPLERS, what="sampler", where="search.sampler")
        if space.metric is None:
            raise SD4MatchError("design search: no data set of data.evaluate has a val split")
        self._metric = selecting(space.metric)
        self._space = space
        self._planner = planner
        self._store = store
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(
            direction="maximize", sampler=SAMPLERS[search.sampler](search.seed)
        )

    def plans(self) -> Iterator[Plan]:
        """A plan a generation on val, and at last the winner and the baseline on val and test."""
        search = self._space.file.search
        best: tuple[float, Configuration] | None = None
        for start in range(0, search.samples, search.generation):
            count = min(search.generation, search.samples - start)
            proposals = [self._propose(self._study.ask()) for _ in range(count)]
            grids = [self._free_grid(proposal) for _, proposal in proposals]
            plan = self._planner.plan(itertools.chain(*grids), splits=("val",))
            yield plan
            values = value(
                measure(cells.frame(cells.table(plan)), self._store, self._space.rule), self._metric
            )
            for (trial, _), grid in zip(proposals, grids, strict=True):
                found = [
                    (float(values[c.key]), c)
                    for c in grid
                    if c.key in values.index and values[c.key] == values[c.key]
                ]
                if not found:
                    self._study.tell(trial, state=TrialState.FAIL)
                    continue
                top = max(found, key=lambda pair: pair[0])
                self._study.tell(trial, top[0])
                best = top if best is None or top[0] > best[0] else best
        winner = [] if best is None else [best[1]]
        yield self._planner.plan(dict.fromkeys([*winner, self._space.baseline]))

    def _propose(self, trial: optuna.Trial) -> tuple[optuna.Trial, dict[str, Value]]:
        """Values of the paid axes; those that mean nothing for the prompt are not asked for."""
        chosen: dict[str, Value] = {}
        paid = {name: v for name, v in self._space.axes.items() if self._space.cost(name) != "free"}
        # The prompt decides which of the others mean anything.
        for name in sorted(paid, key=lambda name: name != "prompt"):
            if AXES[name].applies(chosen.get("prompt", self._space.baseline["prompt"])):
                chosen[name] = _suggest(trial, name, paid[name])
        return trial, chosen

    def _free_grid(self, proposal: Mapping[str, Value]) -> list[Configuration]:
        free = {name: v for name, v in self._space.axes.items() if self._space.cost(name) == "free"}
        points = itertools.product(*free.values())
        found = (
            self._space.possible({**proposal, **dict(zip(free, point, strict=True))})
            for point in points
        )
        return list(dict.fromkeys(filter(None, found)))


def _suggest(trial: optuna.Trial, name: str, values: tuple[Value, ...]) -> Value:
    """Numbers are proposed by rank, so that a sampler knows their order."""
    numbers = [v for v in values if isinstance(v, int | float)]
    if len(numbers) == len(values) and len(values) > 1:
        ordered = sorted(numbers)
        return ordered[trial.suggest_int(name, 0, len(ordered) - 1)]
    return trial.suggest_categorical(name, values)
