"""Proposals of a search: values of the paid axes from a sampler, without repeats."""

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
"""How often a sampler is asked for one new point."""

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
        """The distribution that a sampler draws from."""
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
class TrialResult:
    """What became of a proposal.

    Attributes:
        state: COMPLETE, PRUNED (stopped early) or FAIL.
        values: one for each objective if it is complete.
        others: the same of the other points of its Pareto front: one trial answers many settings
            of the free axes. Empty with one objective.
    """

    state: TrialState
    values: tuple[float, ...] | None = None
    others: tuple[tuple[float, ...], ...] = ()

    @property
    def front(self) -> tuple[tuple[float, ...], ...]:
        """All that it found."""
        return (self.values, *self.others) if self.values else ()


@dataclass(frozen=True)
class Proposal:
    """A proposed point.

    Attributes:
        number: how many points were known or proposed before.
        point: the values.
        trial: Optuna's number, which counts rejected points too.
    """

    number: int
    point: Point
    trial: int


class Proposals:
    """Proposes points of some axes, each once; the same history gives the same proposals.

    Measuring a point again gives no new information, and in a small space samplers return to most
    of their points. A repeated or impossible point is reported to the sampler as failed, and the
    sampler is asked again.

    Args:
        axes: the axes to propose values of, the prompt first: it decides which others apply.
        sampler: proposes; None for every point in the order of the values (a grid).
        prompt: the prompt's family if that is no axis.
        directions: ``maximize`` or ``minimize``, one for each objective.
        given: points to begin with; the sampler proposes the axes that a point leaves out.
        possible: whether the values of a point are possible together.
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
        """The next proposal; None if there is no point left."""
        for start in itertools.chain(self._given, [Point()] * self._attempts):
            if (proposal := self._propose(start)) is not None:
                return proposal
        # The sampler repeats itself: take a neighbor of its last point, or the next of all points.
        beside = self._beside(self._wanted) if self._attempts else ()
        for start in itertools.chain(beside, self._every):
            if self._takes(start) and (proposal := self._propose(start)) is not None:
                return proposal
        return None

    def _beside(self, point: Point) -> Iterator[Point]:
        """The points that differ from one in a single axis; the prompt moves last."""
        for name in reversed(point):
            for value in self.dimensions[name].values:
                moved = {**point, name: value}
                yield {n: moved[n] for n in self._applying(moved) if n in moved}

    def _propose(self, given: Point) -> Proposal | None:
        """The sampler's next point around given values; None if it was proposed before."""
        if given:
            self._study.enqueue_trial(self.parameters(given))
        trial = self._study.ask()
        point: Point = {}
        try:
            for name in self._applying(point):
                point[name] = self.dimensions[name].suggest(trial)
        except ImportError as error:  # Optuna imports a sampler's own package when it is used
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

    def tell(self, proposal: Proposal, result: TrialResult) -> None:
        """Report a result to the sampler, in the order in which the proposals were made.

        A front is as many trials at one point. They carry the marks of the first (NSGA-II's
        generation), so that they are part of the same population.

        Args:
            proposal: as `ask` returned it.
            result: what became of it.
        """
        told = self._study.tell(proposal.trial, result.values, result.state)
        for values in result.others:
            self._add(proposal.point, values, told.system_attrs)

    def know(self, point: Point, result: TrialResult) -> FrozenTrial:
        """Add a point that was measured elsewhere, before the first `ask`.

        Args:
            point: the values.
            result: a complete one.

        Returns:
            The trial, in Optuna's terms.
        """
        trial, *_ = [self._add(point, values) for values in result.front]
        self._taken.add(_identity(point))
        return trial

    def _add(
        self, point: Point, values: Sequence[float], marks: Mapping[str, Any] | None = None
    ) -> FrozenTrial:
        trial = optuna.trial.create_trial(
            state=TrialState.COMPLETE,
            params=self.parameters(point),
            distributions=self.distributions(point),
            values=list(values),
            system_attrs=dict(marks or {}),
        )
        self._study.add_trial(trial)
        return trial

    def parameters(self, point: Point) -> dict[str, Value]:
        """A point in Optuna's terms."""
        dimensions = self.dimensions
        return {dimensions[n].parameter: dimensions[n].encode(v) for n, v in point.items()}

    def point(self, parameters: Mapping[str, Any]) -> Point:
        """The point of such parameters as `parameters` returns."""
        dimensions = [d for d in self.dimensions.values() if d.parameter in parameters]
        return {d.axis: d.decode(parameters[d.parameter]) for d in dimensions}

    def distributions(self, point: Point) -> dict[str, BaseDistribution]:
        """The distributions that the parameters of a point are drawn from."""
        return {self.dimensions[n].parameter: self.dimensions[n].distribution for n in point}

    def read(self, values: Mapping[str, Value]) -> Point | None:
        """The point of a configuration's values; None if an axis does not take its value."""
        point: Point = {}
        for name in self._applying(point):
            if values[name] not in self.dimensions[name].values:
                return None
            point[name] = values[name]
        return point

    def _applying(self, chosen: Point) -> Iterator[str]:
        """Names of the axes that apply to the prompt, which is chosen on the way."""
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
