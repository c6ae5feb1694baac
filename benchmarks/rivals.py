"""Search methods for the benchmark `search`: each proposes points and learns their values."""

import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from optuna.trial import TrialState

from study.search import samplers
from study.search.proposals import Proposal, Proposals, TrialResult, grid
from study.space import AXES, Value
from study.space.schema import Search
from study.space.search_settings import Point

Axes = Mapping[str, tuple[Value, ...]]


class Rival(Protocol):
    """A search method: as a generator it yields points and gets each one's value sent."""

    def __call__(self, axes: Axes, *, prompt: Value, seed: int) -> Iterator[Point]:
        """Propose points of axes."""


class Optuna:
    """Our own proposals, with one of Optuna's samplers, asked in generations."""

    def __init__(self, sampler: str, generation: int) -> None:
        self._sampler, self._generation = sampler, generation

    def __call__(self, axes: Axes, *, prompt: Value, seed: int) -> Iterator[Point]:
        """Yield the points; values reach a method when a whole generation is measured."""
        settings = Search(sampler=self._sampler, seed=seed, generation=self._generation)
        proposals = Proposals(axes, samplers.create(settings), prompt=prompt)
        while asked := [p for _ in range(self._generation) if (p := proposals.ask())]:
            results: list[tuple[Proposal, TrialResult]] = []
            for proposal in asked:
                value = yield proposal.point
                results.append((proposal, TrialResult(TrialState.COMPLETE, (value,))))
            for told in results:
                proposals.tell(*told)


def in_order(axes: Axes, *, prompt: Value, seed: int) -> Iterator[Point]:
    """Every point in the order of the file: the whole grid."""
    yield from grid(axes, prompt=prompt)


def smac(axes: Axes, *, prompt: Value, seed: int) -> Iterator[Point]:
    """SMAC3's own facade for tuning, one point at a time.

    Its own defaults: a random forest, log expected improvement, an initial Sobol design. Needs
    ``pip install smac``, which no part of the project needs.
    """
    import logging
    import tempfile

    from ConfigSpace import Categorical, ConfigurationSpace, InCondition, OrdinalHyperparameter
    from smac import HyperparameterOptimizationFacade, Scenario
    from smac.main.exceptions import ConfigurationSpaceExhaustedException
    from smac.runhistory.dataclasses import TrialValue

    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    space = ConfigurationSpace(seed=seed)
    made: dict[str, Any] = {}
    for name, values in axes.items():
        numbers = all(isinstance(value, int | float) for value in values)
        made[name] = (
            OrdinalHyperparameter(name, [*sorted(values)])
            if numbers
            else Categorical(name, [*values])
        )
    space.add(list(made.values()))
    for name in axes:
        families = [v for v in axes.get("prompt", ()) if AXES[name].applies(v)]
        if name != "prompt" and 0 < len(families) < len(axes.get("prompt", ())):
            space.add(InCondition(made[name], made["prompt"], families))
    with tempfile.TemporaryDirectory() as folder:
        scenario = Scenario(
            space, deterministic=True, n_trials=500, seed=seed, output_directory=folder
        )
        facade = HyperparameterOptimizationFacade(
            scenario,
            lambda config, seed: 0.0,
            # In a small space most candidates were tried: by default it gives up after 16 of them.
            config_selector=HyperparameterOptimizationFacade.get_config_selector(
                scenario, retries=10_000
            ),
            overwrite=True,
            logging_level=False,
        )
        while True:
            try:
                info = facade.ask()
            except (StopIteration, ConfigurationSpaceExhaustedException):
                return
            chosen = dict(info.config)
            point = {name: _plain(chosen[name]) for name in axes if name in chosen}
            value = yield point
            facade.tell(info, TrialValue(cost=1 - value))


def _plain(value: Any) -> Value:
    found: Value = value.item() if hasattr(value, "item") else value
    return found
