"""Configurations that no launch can answer: how many, why, and what to change."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sd4match.datasets.benchmark import class_alias
from sd4match.prompts.family_facts import KNOWN, serving_category
from study.plan.inputs import DataRef, in_order
from study.plan.plan import Cell, Plan
from study.space import labels
from study.space.labels import several


@dataclass(frozen=True)
class Unanswerable:
    """Configurations that lack results for one reason.

    Attributes:
        configurations: how many.
        of: how many the plan has.
        places: the data set and the splits where they lack results.
        why: the reason.
        change: what would make them answerable.
    """

    configurations: int
    of: int
    places: str
    why: str
    change: str

    def __str__(self) -> str:
        return (
            f"never answered: {self.configurations:,} of {several(self.of, 'configuration')}, "
            f"on {self.places}: {self.why}: {self.change}"
        )


def unanswerable(plan: Plan) -> tuple[Unanswerable, ...]:
    """The configurations of a plan that can never be answered on some split, by reason.

    Only prompts of categories can be impossible: their training data must have images of every
    category that they are evaluated on (docs/explanation/method.md section 2).

    Args:
        plan: of a design.
    """
    groups: dict[tuple[str, int | None, str], list[Cell]] = {}
    for cell in plan.cells:
        if cell.missing:
            train, file = cell.tune and cell.tune.train, cell.predict.extraction.file
            source = train.dataset if train else file.path if file else ""
            key = (source, train.subset if train else None, cell.data.dataset)
            groups.setdefault(key, []).append(cell)
    return tuple(
        _reason(plan, cells, source, dataset) for (source, _, dataset), cells in groups.items()
    )


def _reason(plan: Plan, cells: Sequence[Cell], source: str, dataset: str) -> Unanswerable:
    """Why some results on one data set are impossible with prompts from one source."""
    file, name = cells[0].predict.extraction.file, labels.dataset(dataset)
    train = cells[0].tune.train if cells[0].tune else None
    known = train.categories if train else file.categories if file else ()
    unknown = ", ".join(sorted(set(_unknown(known, (cell.data for cell in cells)))))
    if train is None:
        why = f"{source} has no prompts for {unknown}"
        change = "name a file that has them"
    else:
        least = _least(plan, train, dataset) if train.present and train.subset else None
        why = f"{labels.dataset(source)} has no training images of {unknown}"
        why += f" in {several(train.pairs, 'pair')}" if least else ""
        change = f"use data.pairs ≥ {least}" if least else "choose another train.data"
    if train is None or not least:
        change += f", or leave {name} out of data.evaluate"
    splits = " and ".join(dict.fromkeys(cell.data.split for cell in cells))
    configurations = len({cell.configuration for cell in cells})
    return Unanswerable(configurations, len(plan.by_configuration), f"{name} {splits}", why, change)


def _unknown(known: Iterable[str], evaluated: Iterable[DataRef]) -> Iterator[str]:
    learned = set(known)
    for data in evaluated:
        for category in data.categories:
            if serving_category(learned, category) is None:
                yield class_alias(category)


def _least(plan: Plan, train: DataRef, dataset: str) -> int | None:
    """The number of pairs from which on training teaches all that is evaluated; None: no number.

    A subset of n pairs is the first n of an order (`study.plan.inputs.in_order`), so a category is
    evaluated from its first evaluation pair on, and taught from its first training pair on.
    """
    taught = _first(train)
    needed = 0
    evaluated = {c.data for c in plan.cells if c.data.dataset == dataset and _learns(c, train)}
    for category, asked in (item for data in evaluated for item in _first(data).items()):
        first = min(
            (taught[n] for n in {category, class_alias(category)} & taught.keys()), default=0
        )
        if not first:
            return None
        if first > asked:
            needed = max(needed, first)
    return needed or None


def _learns(cell: Cell, train: DataRef) -> bool:
    """Whether a result needs prompts of categories that are learned on this data."""
    tune = cell.tune
    by_category = tune and KNOWN[str(tune.settings["family"])].depends_on == "category"
    return bool(tune and by_category and tune.train == train)


def _first(data: DataRef) -> dict[str, int]:
    """The place of the first pair of each category in the order of subsets, from 1."""
    first: dict[str, int] = {}
    for place, pair in enumerate(in_order(data), 1):
        first.setdefault(pair.category, place)
    return first
