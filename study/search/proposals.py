"""Points of the paid axes, asked of an Optuna sampler one by one."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState

from sd4match.errors import SD4MatchError
from study.space.axes import AXES, Value
from study.space.search_settings import Direction, Point

ATTEMPTS = 5
"""How often a sampler is asked for one proposal."""

Identity = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Dimension:
    """One axis as Optuna sees it: numbers by rank, so that a sampler knows their order.

    Attributes:
        axis: its name.
        values: what it takes; numbers in ascending order.
    """

    axis: str
    values: tuple[Value, ...]

    @classmethod
    def of(cls, axis: str, values: Iterable[Value]) -> "Dimension":
        """The dimension of an axis that takes ``values``."""
        given = tuple(values)
        numbers = [v for v in given if isinstance(v, int | float)]
        return cls(axis, tuple(sorted(numbers)) if len(numbers) == len(given) else given)

    @property
    def ranked(self) -> bool:
        """Whether its values have an order."""
        return all(isinstance(value, int | float) for value in self.values)

    @property
    def parameter(self) -> str:
        """Its name in Optuna."""
        return f"{self.axis} (rank)" if self.ranked else self.axis

    @property
    def distribution(self) -> BaseDistribution:
        """What a sampler draws from."""
        if self.ranked:
            return IntDistribution(0, len(self.values) - 1)
        return CategoricalDistribution(self.values)

    def encode(self, value: Value) -> Value:
        """A value as Optuna's parameter."""
        return self.values.index(value) if self.ranked else value

    def decode(self, parameter: Any) -> Value:
        """The value of Optuna's parameter."""
        value: Value = self.values[parameter] if self.ranked else parameter
        return value

    def suggest(self, trial: optuna.Trial) -> Value:
        """The value that a trial proposes."""
        if self.ranked:
            return self.decode(trial.suggest_int(self.parameter, 0, len(self.values) - 1))
        return self.decode(trial.suggest_categorical(self.parameter, self.values))


@dataclass(frozen=True)
class Told:
    """What became of a proposal.

    Attributes:
        state: COMPLETE, PRUNED (stopped early) or FAIL.
        values: one an objective when it is complete.
    """

    state: TrialState
    values: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Proposal:
    """A point that is proposed.

    Attributes:
        number: how many points were known or proposed before.
        trial: Optuna's number of it, which counts what was not taken as well.
    """

    number: int
    point: Point
    trial: int


class Proposals:
    """Proposes points of some axes, each once; the same history brings the same proposals.

    A point that is measured again says nothing new, and in a small space samplers come back to most
    of theirs. Such a point, or an impossible one, is told to the sampler as failed, and it is asked
    anew.

    Args:
        axes: what is proposed, the prompt first: it decides which of the others mean anything.
        sampler: who proposes; None for every point in the order of the values (a grid).
        prompt: the prompt's family where that is no axis.
        directions: ``maximize`` or ``minimize``, an objective each.
        given: points to begin with; what one leaves out is proposed by the sampler.
        possible: whether the values of a point go together.
    """

    def __init__(
        self,
        axes: Mapping[str, tuple[Value, ...]],
        sampler: BaseSampler | None,
        *,
        prompt: Value,
        directions: Sequence[Direction] = ("maximize",),
        given: Iterable[Point] = (),
        possible: Callable[[Point], bool] = lambda point: True,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.dimensions = {name: Dimension.of(name, values) for name, values in axes.items()}
        self._prompt = prompt
        self._study = optuna.create_study(
            directions=list(directions), sampler=sampler or RandomSampler(seed=0)
        )
        # Called by samplers that have proposed everything; Optuna's own works in its loop only.
        self._study.stop = lambda: None  # type: ignore[method-assign]
        self._possible = possible
        self._taken: set[Identity] = set()
        self._given = iter(given)
        self._attempts = ATTEMPTS if sampler else 0
        self._wanted: Point = {}
        self._every = grid(axes, prompt=prompt)

    def ask(self) -> Proposal | None:
        """The next proposal; None when there is nothing left to propose."""
        for start in itertools.chain(self._given, [Point()] * self._attempts):
            if (proposal := self._propose(start)) is not None:
                return proposal
        # It insists, or there is little left: a neighbour of what it wants, or the next of all.
        beside = self._beside(self._wanted) if self._attempts else ()
        for start in itertools.chain(beside, self._every):
            if self._takes(start) and (proposal := self._propose(start)) is not None:
                return proposal
        return None

    def _beside(self, point: Point) -> Iterator[Point]:
        """The points that differ from one in a single axis, the prompt last: it decides most."""
        for name in reversed(point):
            for value in self.dimensions[name].values:
                moved = {**point, name: value}
                yield {n: moved[n] for n in self._meaningful(moved) if n in moved}

    def _propose(self, given: Point) -> Proposal | None:
        """What the sampler makes of a point, or of none; None where that is not taken."""
        if given:
            self._study.enqueue_trial(self.parameters(given))
        trial = self._study.ask()
        point: Point = {}
        try:
            for name in self._meaningful(point):
                point[name] = self.dimensions[name].suggest(trial)
        except ImportError as error:  # Optuna looks for a sampler's own package when it is used
            raise SD4MatchError(
                f"search.sampler: {error}: install it, or take another sampler"
            ) from error
        self._wanted = point
        if not self._takes(point):
            self._study.tell(trial, state=TrialState.FAIL)
            return None
        self._taken.add(_identity(point))
        return Proposal(len(self._taken) - 1, point, trial.number)

    def _takes(self, point: Point) -> bool:
        return _identity(point) not in self._taken and self._possible(point)

    def tell(self, proposal: Proposal, told: Told) -> None:
        """Say what became of a proposal; in the order in which they were asked."""
        self._study.tell(proposal.trial, told.values, told.state)

    def know(self, point: Point, values: Sequence[float]) -> FrozenTrial:
        """Add a point that was measured elsewhere; before anything is asked."""
        trial = optuna.trial.create_trial(
            state=TrialState.COMPLETE,
            params=self.parameters(point),
            distributions=self.distributions(point),
            values=list(values),
        )
        self._study.add_trial(trial)
        self._taken.add(_identity(point))
        return trial

    def parameters(self, point: Point) -> dict[str, Value]:
        """A point in Optuna's terms."""
        dimensions = self.dimensions
        return {dimensions[n].parameter: dimensions[n].encode(v) for n, v in point.items()}

    def point(self, parameters: Mapping[str, Any]) -> Point:
        """What `parameters` gives, as a point again."""
        dimensions = [d for d in self.dimensions.values() if d.parameter in parameters]
        return {d.axis: d.decode(parameters[d.parameter]) for d in dimensions}

    def distributions(self, point: Point) -> dict[str, BaseDistribution]:
        """What the parameters of a point were drawn from."""
        return {self.dimensions[n].parameter: self.dimensions[n].distribution for n in point}

    def read(self, values: Mapping[str, Value]) -> Point | None:
        """The point that a configuration lies on, by its axes; None where it lies on none."""
        point: Point = {}
        for name in self._meaningful(point):
            if values[name] not in self.dimensions[name].values:
                return None
            point[name] = values[name]
        return point

    def _meaningful(self, chosen: Point) -> Iterator[str]:
        """Names of the axes that mean something for the prompt that is chosen on the way."""
        for name in self.dimensions:
            if AXES[name].applies(chosen.get("prompt", self._prompt)):
                yield name


def grid(axes: Mapping[str, tuple[Value, ...]], *, prompt: Value) -> Iterator[Point]:
    """Every point of some axes once, in the order of their values.

    Args:
        axes, prompt: as of `Proposals`.
    """
    seen: set[Identity] = set()
    for values in itertools.product(*axes.values()):
        full = dict(zip(axes, values, strict=True))
        family = full.get("prompt", prompt)
        point = {name: value for name, value in full.items() if AXES[name].applies(family)}
        if _identity(point) not in seen:
            seen.add(_identity(point))
            yield point


def _identity(point: Point) -> Identity:
    return tuple(point.items())
