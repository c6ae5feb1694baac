"""Checks of the section ``search`` of a search space, without Optuna."""

from collections.abc import Mapping
from typing import Literal

from sd4match.datasets.benchmarks import SPLITS
from sd4match.errors import SD4MatchError, require_known
from sd4match.files.masking import masked
from study.space.axes import Value, find
from study.space.dotted import leaves
from study.space.metric import COST, MEAN, Metric, selecting
from study.space.space import Space
from study.space.targets import OPTUNAS, TARGET

GRID = "grid"
SAMPLERS = ("tpe", "gp", "random", GRID, "nsgaii")
Point = dict[str, Value]
"""Values of paid axes, by name."""

Direction = Literal["maximize", "minimize"]
"""Whether more or less of an objective is better."""


def check(space: Space) -> None:
    """Refuse impossible settings of a search.

    Raises:
        SD4MatchError: an unknown sampler, an objective that is not measured or not on validation,
            a point outside the axes.
    """
    search = space.file.search
    _check_sampler(search.sampler)
    for text in [*filter(None, [search.metric]), *search.objectives]:
        if text != COST:
            _check_measured(selecting(text), space)
    if search.objectives and set(search.objectives) <= {COST}:
        raise SD4MatchError(f"search.objectives: {COST} alone chooses nothing: add a metric")
    if len(set(search.objectives)) < len(search.objectives):
        raise SD4MatchError(f"search.objectives: given twice: {', '.join(search.objectives)}")
    if search.asha is not None and search.asha < 2:
        raise SD4MatchError(f"search.asha: keep one in 2 or more, not one in {search.asha}")
    if not 0 <= search.seed < 2**32:  # what NumPy takes
        raise SD4MatchError(f"search.seed: expected 0 to {2**32 - 1}, got {search.seed}")
    storage = str(space.written["search"]["storage"] or "")
    if masked(storage) != storage:
        raise SD4MatchError(
            f"search.storage: {masked(storage)}: its password would be written to the study's "
            "files: write ${oc.env:NAME} in its place, a variable of the environment"
        )
    points(space)


def points(space: Space) -> list[Point]:
    """The given points, parsed; an axis that a point leaves out is proposed by the sampler.

    Raises:
        SD4MatchError: an axis that is not searched, or a value that it does not take.
    """
    paid = paid_axes(space)
    found: list[Point] = []
    for number, raw in enumerate(space.file.search.points):
        where = f"search.points[{number}]"
        point: Point = {}
        try:
            given = leaves(raw)
        except SD4MatchError as error:
            raise SD4MatchError(f"{where}: {error}") from None
        for name, value in given.items():
            require_known(name, paid, what="paid axis of this search", where=where)
            try:
                point[name] = value if value in paid[name] else find(name).parse(value)
            except SD4MatchError as error:
                raise SD4MatchError(f"{where}: {error}") from None
            if point[name] not in paid[name]:
                taken = ", ".join(map(str, paid[name]))
                raise SD4MatchError(f"{where}: axes.{name} has no {value}: it takes {taken}")
        found.append(point)
    return found


def paid_axes(space: Space) -> Mapping[str, tuple[Value, ...]]:
    """The axes that a search proposes; the prompt first, which decides which others apply."""
    return dict(sorted(space.paid.items(), key=lambda item: item[0] != "prompt"))


def _check_sampler(sampler: object) -> None:
    if not isinstance(sampler, Mapping):
        require_known(sampler, SAMPLERS, what="sampler", where="search.sampler")
        return
    target = str(sampler.get(TARGET))
    if not target.startswith(OPTUNAS):
        raise SD4MatchError(
            f"search.sampler.{TARGET}: {target} is no sampler of Optuna's: name one as "
            f"{OPTUNAS}QMCSampler, or take one of {', '.join(SAMPLERS)}"
        )
    if any(_special(value) for value in sampler.values()) or any(
        name.startswith("_") for name in sampler if name != TARGET
    ):
        raise SD4MatchError(
            f"search.sampler: {target} takes plain numbers, words and lists here, no objects"
        )


def _special(value: object) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and any(map(_special, value)))


def _check_measured(metric: Metric, space: Space) -> None:
    file = space.file
    if metric.alpha not in file.alphas:
        raise SD4MatchError(f"search.metric {metric}: its alpha is not among {file.alphas}")
    chosen_on = [name for name in file.data.evaluate if "val" in SPLITS[name]]
    names = (*chosen_on, MEAN) if chosen_on else ()
    require_known(metric.dataset, names, what="data set of search.metric")
