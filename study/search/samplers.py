"""Optuna's samplers: five by name, any other by its ``_target_``."""

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler

from sd4match.errors import SD4MatchError, require_known
from study.space.schema import Search
from study.space.search_settings import GRID
from study.space.targets import OPTUNAS, TARGET


def create(search: Search) -> BaseSampler | None:
    """The sampler of a search, seeded by it; None for a ``grid``, which needs none.

    Args:
        search: checked settings.

    Raises:
        SD4MatchError: a ``_target_`` that is no sampler of Optuna's, or arguments it cannot take.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        if isinstance(search.sampler, Mapping):
            return _of_target(search.sampler, search.seed)
        return _NAMED[search.sampler](search)


_NAMED: Mapping[str, Callable[[Search], BaseSampler | None]] = {
    # Grouped: axes that only some prompts have are modeled among those prompts.
    "tpe": lambda s: optuna.samplers.TPESampler(seed=s.seed, multivariate=True, group=True),
    "gp": lambda s: optuna.samplers.GPSampler(seed=s.seed, warn_independent_sampling=False),
    "random": lambda s: optuna.samplers.RandomSampler(seed=s.seed),
    GRID: lambda s: None,
    # Its population is a generation: the next one is bred from the results of this one.
    "nsgaii": lambda s: optuna.samplers.NSGAIISampler(
        seed=s.seed, population_size=max(2, s.generation)
    ),
}


def _of_target(settings: Mapping[str, Any], seed: int) -> BaseSampler:
    name = str(settings[TARGET]).removeprefix(OPTUNAS)
    made_by = {n: c for n, c in vars(optuna.samplers).items() if inspect.isclass(c)}
    known = [n for n, c in made_by.items() if issubclass(c, BaseSampler)]
    require_known(name, known, what="sampler", where="search.sampler")
    seeded = "seed" in inspect.signature(made_by[name]).parameters
    arguments = {key: value for key, value in settings.items() if key != TARGET}
    try:
        made = made_by[name](**({"seed": seed} if seeded else {}) | arguments)
    except Exception as error:  # whatever a sampler raises
        said = " ".join(str(error).split())
        raise SD4MatchError(f"search.sampler {name}: cannot be made: {said}") from None
    assert isinstance(made, BaseSampler)
    return made
