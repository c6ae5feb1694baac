"""Designs: which configurations of a search space a study measures."""

import hashlib
import itertools
import math
import random
import sys
from collections.abc import Callable, Iterator, Mapping

from sd4match.errors import SD4MatchError
from study.space.axes import Value
from study.space.configuration import Configuration
from study.space.space import Space

Values = Mapping[str, Value]


def one_at_a_time(space: Space) -> Iterator[Configuration]:
    """Change one axis of the baseline at a time."""
    moves = ({name: value} for name, values in space.axes.items() for value in values)
    return filter(None, map(space.possible, moves))


def leave_one_out(space: Space) -> Iterator[Configuration]:
    """Set one axis of the full setting back to its plain value; at the end all of them.

    The file's ``baseline`` is the plain setting and ``axes`` gives the recommended value of each;
    with all of these it is the full setting, which is `Space.baseline` here: the others are
    compared with it. So one file answers "what does each add alone" as ``one_at_a_time``, and
    "what is lost without each" as ``leave_one_out``.
    """
    yield from one_at_a_time(space)
    plain = space.possible({name: values[-1] for name, values in space.axes.items()})
    if plain is not None:
        yield plain


def factorial(space: Space) -> Iterator[Configuration]:
    """Take every combination, or a seeded fraction of those of the paid axes.

    A larger fraction contains a smaller one of the same seed. The free axes always take all
    their values, because the same pass gives them.
    """
    fraction, seed = space.file.factorial.fraction, space.file.factorial.seed
    points = itertools.product(*space.paid.values())
    chosen: Iterator[Values] = (dict(zip(space.paid, p, strict=True)) for p in points)
    if fraction < 1:
        # Draw from distinct ones: a prompt without a length counts once, not once for each length.
        distinct: dict[str, Values] = {}
        for point in chosen:
            if (found := space.possible(point)) is not None:
                distinct.setdefault(found.key, point)

        def rank(key: str) -> str:
            return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()

        kept = set(sorted(distinct, key=rank)[: math.ceil(fraction * len(distinct))])
        chosen = (point for key, point in distinct.items() if key in kept)
    return _with_free(space, chosen)


def search(space: Space) -> Iterator[Configuration]:
    """Draw as many points of the paid axes as a sampler will propose, each with its free grid.

    A plan shows this in place of the search, which decides while it runs (`study.search`).
    """
    sizes = [len(values) for values in space.paid.values()]
    whole, wanted = math.prod(sizes), space.file.search.samples
    if space.file.search.sampler == "grid":  # every point
        wanted = whole
    whole = min(whole, sys.maxsize)  # the most that `sample` can draw from
    numbers = random.Random(space.file.search.seed).sample(range(whole), min(whole, 10 * wanted))
    # Draw more than wanted: several combinations may be one point, as in a factorial.
    distinct: dict[tuple[Value, ...], Values] = {}
    for point in (_point(space.paid, number) for number in numbers):
        if len(distinct) < wanted and (found := space.possible(point)) is not None:
            distinct.setdefault(found.paid, point)
    return _with_free(space, iter(distinct.values()))


DESIGNS: Mapping[str, Callable[[Space], Iterator[Configuration]]] = {
    "one_at_a_time": one_at_a_time,
    "leave_one_out": leave_one_out,
    "factorial": factorial,
    "search": search,
}


LARGEST = 500_000
"""Configurations of the largest design: a plan holds them all, in 1 to 4 kilobytes each."""


def count(space: Space) -> int:
    """How many configurations a design asks for, without making them.

    Args:
        space: a checked search space.

    Returns:
        An upper bound, with every seed: combinations that are the same question count each.
    """
    file, paid = space.file, _product(space.paid)
    points = {
        "factorial": math.ceil(file.factorial.fraction * paid),
        "search": paid if file.search.sampler == "grid" else min(file.search.samples, paid),
    }
    if file.design not in points:
        plain = file.design == "leave_one_out"
        return (sum(map(len, space.axes.values())) + 1 + plain) * file.seeds
    return (points[file.design] * _product(space.free) + 1) * file.seeds


def check_size(space: Space) -> None:
    """Refuse a design that no plan could hold, before one combination of it is made.

    Args:
        space: a checked search space.

    Raises:
        SD4MatchError: too many configurations; says how many, and which axes make them.
    """
    file, number, what = space.file, count(space), "configurations"
    if file.design == "factorial" and _product(space.paid) > max(number, LARGEST):
        number, what = _product(space.paid), "combinations to draw from"
    if number <= LARGEST:
        return
    drawn = file.design == "search" and file.search.sampler != "grid"
    axes = space.free if drawn else space.axes
    sizes = {name: len(values) for name, values in axes.items()} | {"seeds": file.seeds}
    if drawn:
        sizes["search.samples"] = min(file.search.samples, _product(space.paid))
    many = sorted((name for name in sizes if sizes[name] > 1), key=lambda name: -sizes[name])
    made = ", ".join(f"{name} has {sizes[name]:,}" for name in many)
    drawing = file.design == "factorial" or (file.design == "search" and not drawn)
    instead = ", or `design: search` with a sampler that draws" if drawing else ""
    raise SD4MatchError(
        f"design {file.design}: {number:,} {what}, more than the {LARGEST:,} that a plan can hold "
        f"({made}): give fewer values{instead}"
    )


def _product(axes: Mapping[str, tuple[Value, ...]]) -> int:
    return math.prod(map(len, axes.values()))


def configurations(space: Space) -> Iterator[Configuration]:
    """The distinct configurations of a space's design, each with every seed, the baseline first.

    Seeds repeat every configuration, those without a learned prompt too: their noise depends on the
    seed, and differences are taken over the same seeds. Combinations that are impossible (G + C
    above 75) are left out with a warning.

    Args:
        space: a checked search space.

    Yields:
        Each configuration once.
    """
    for configuration in dict.fromkeys((space.baseline, *DESIGNS[space.file.design](space))):
        yield from map(configuration.with_seed, space.seeds)


def _with_free(space: Space, points: Iterator[Values]) -> Iterator[Configuration]:
    """Every value of the free axes at each point of the paid ones."""
    grid = [dict(zip(space.free, p, strict=True)) for p in itertools.product(*space.free.values())]
    for point in points:
        yield from filter(None, (space.possible({**point, **free}) for free in grid))


def _point(axes: Mapping[str, tuple[Value, ...]], number: int) -> dict[str, Value]:
    """The combination with that number, without counting up to it."""
    point = {}
    for name, values in axes.items():
        number, place = divmod(number, len(values))
        point[name] = values[place]
    return point
