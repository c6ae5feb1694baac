"""Tables with any axes, data sets, splits, alphas, categories and grades as rows and columns."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product, starmap

import pandas as pd

from sd4match.errors import SD4MatchError
from sd4match.pck.breakdowns import LEVELS
from study.analysis import comparison
from study.analysis.breakdown import Number, Split, mean
from study.analysis.results import Results
from study.analysis.selection import Keys, choose
from study.space import labels
from study.space.metric import MEAN
from study.tables import footnotes, published
from study.tables.footnotes import Reasons
from study.tables.layout import NO_SETTINGS, Layout, settled
from study.tables.table import Mark, Table, marks

Place = tuple[labels.Value, ...]
"""Values of the row dimensions, or of the column dimensions."""

_STUDY = "study"
_UNLIKE = " †"  # marks rows that are not comparable, which never compete for the best


def pivot(studies: Sequence[Results], layout: Layout) -> Table:
    """One table of one or several studies.

    Args:
        studies: the studies; the others must be comparable with the first.
        layout: what the table shows.

    Returns:
        A row for each combination of the row dimensions, a column for each of the column
        dimensions, and a mean over the data sets where ``dataset`` is a dimension. Of results that
        differ in settings, the best and the second are marked: in each column, or in each row where
        rows are not settings.

    Raises:
        SD4MatchError: two studies have one name; they are not comparable and not to be mixed;
            nothing was measured there; several configurations would share a cell.
    """
    first = studies[0]
    if len({study.name for study in studies}) < len(studies):
        raise SD4MatchError("two studies have the same name: their rows could not be distinguished")
    layout = settled(layout, first)
    unlike = comparison.differences(studies, layout.datasets, layout.splits)
    if unlike and not layout.mixed:
        raise SD4MatchError(f"{next(iter(unlike.values()))}; --mixed shows them, marked")
    several = len(studies) > 1
    chosen = {study.name: choose(study, layout.axes, where=layout.where, best=layout.best)
              for study in studies}  # fmt: skip
    numbers: dict[tuple[Place, Place], Number] = {}
    raw: list[dict[str, object]] = []
    for study in studies:
        for settings, keys, place, number in _numbers(study, layout, chosen[study.name]):
            at = {**settings, **place}
            row = tuple(at[name] for name in layout.rows)
            mark = _UNLIKE if study.name in unlike else ""
            head: Place = (study.name + mark, *row) if several else row
            numbers[head, tuple(at[name] for name in layout.columns)] = number
            raw.append({_STUDY: study.name, "configuration": " ".join(keys)} | at | _plain(number))
    dimensions = ((_STUDY,) if several else ()) + layout.rows
    rows = _ordered([row for row, _ in numbers], dimensions)
    columns = _ordered([column for _, column in numbers], layout.columns)
    excluded = comparison.not_as_published(first, layout.datasets) if layout.published else None
    reasons, shown = Reasons(), list[list[str]]()
    from_papers: Mapping[str, Sequence[published.Cell]] = {}
    heads = list(map(labels.axis, dimensions))
    rivals: dict[tuple[Place, Place], dict[Mark, float | None]] = {}

    def compete(row: Place, values: Sequence[float | None]) -> None:
        """Enter results that differ in settings, down a column or along a row, into the ranking."""
        same = _unset(row, dimensions)
        for place, (column, pck) in enumerate(zip(columns, values, strict=True), len(heads)):
            other = column if len(same) < len(row) else _unset(column, layout.columns)
            rivals.setdefault((same, other), {})[len(shown) - 1, place] = pck

    if layout.published and (layout.mixed or not excluded):
        from_papers = published.rows(layout, columns)
        for method, of_method in from_papers.items():
            name = method + _UNLIKE * bool(excluded)
            shown.append([name, *[""] * (len(dimensions) - 1), *map(published.text, of_method)])
            compete((method,), [None if excluded else published.share(cell) for cell in of_method])
            raw += published.raw(of_method)
    for row in rows:
        cells = [numbers.get((row, column), _NOTHING) for column in columns]
        names = [labels.DATASETS.get(str(v), labels.value(v)) for v in row]
        shown.append([*names, *(_cell(n, reasons, layout) for n in cells)])
        compared = not (several and str(row[0]).endswith(_UNLIKE))
        compete(row, [number.pck if compared else None for number in cells])
    ranks = {mark: rank for found in rivals.values() for mark, rank in marks(found).items()}
    behind = [(study, footnotes.records(study, raw)) for study in studies]
    notes = [
        *footnotes.what(layout, first),
        *(note for s in studies for note in footnotes.of(s, layout, chosen[s.name].values())),
        *reasons.notes(),
        *(f"† {text}." for text in unlike.values()),
        *footnotes.of_published(layout, excluded, from_papers),
        *starmap(footnotes.provenance, behind),
        *footnotes.mixed_devices(behind),
    ]
    sides = [" × ".join(map(labels.axis, side)) for side in (layout.rows, layout.columns) if side]
    formatted = pd.DataFrame(shown, columns=heads + [_head(c, layout) for c in columns])
    return Table(f"PCK by {' and '.join(sides)}", formatted, pd.DataFrame(raw), tuple(notes), ranks)


_NOTHING = Number(reason="not part of the study")


def _unset(place: Place, names: Sequence[str]) -> Place:
    """The parts of a place that are not settings: data set, split, alpha, category, grade."""
    return tuple(v for name, v in zip(names, place, strict=False) if name in NO_SETTINGS)


def _numbers(
    study: Results, layout: Layout, chosen: Mapping[Place, Keys]
) -> Iterator[tuple[dict[str, labels.Value], Keys, dict[str, labels.Value], Number]]:
    """(axes, configurations, other dimensions, number) of every result of a study."""
    rows = list(dict.fromkeys(chosen.values()))
    held = set(study.index[["dataset", "split"]].itertuples(index=False, name=None))
    for split, alpha in product(layout.splits, layout.alphas):
        whole: dict[str, dict[Keys, Number]] = {}
        for dataset in layout.datasets:
            if (dataset, split) not in held:
                continue
            part = Split(study, dataset, split, alpha)
            for levels in product(*map(part.levels, layout.groups)):
                parts: dict[str, str] = dict(zip(layout.groups, levels, strict=True))
                found = part.numbers(rows, parts)
                if not parts:
                    whole[dataset] = found
                at: dict[str, labels.Value] = {"dataset": dataset, "split": split, "alpha": alpha}
                if "dataset" in layout.dimensions or layout.groups:
                    yield from _placed(layout, chosen, found, {**at, **parts})
        if len(whole) > 1 or (whole and "dataset" not in layout.dimensions):
            over = {keys: mean({name: of[keys] for name, of in whole.items()}) for keys in rows}
            at = {"dataset": MEAN, "split": split, "alpha": alpha}
            if len(whole) == 1:
                (only,) = whole
                over, at["dataset"] = whole[only], only
            yield from _placed(layout, chosen, over, at)


def _placed(
    layout: Layout,
    chosen: Mapping[Place, Keys],
    found: Mapping[Keys, Number],
    at: dict[str, labels.Value],
) -> Iterator[tuple[dict[str, labels.Value], Keys, dict[str, labels.Value], Number]]:
    for values, keys in chosen.items():
        yield dict(zip(layout.axes, values, strict=True)), keys, at, found[keys]


def _ordered(places: Sequence[Place], names: Sequence[str]) -> list[Place]:
    """Each once: numbers ascend, data sets and grades have their order, the mean comes last."""
    known: dict[str, Sequence[object]] = {
        "dataset": [*labels.DATASETS, MEAN],
        "split": ["test", "val"],
    }
    known |= LEVELS
    ranks: list[dict[object, int]] = []
    for at, name in enumerate(names):
        seen: list[object] = list(dict.fromkeys(place[at] for place in places))
        if name == "category" or all(isinstance(v, int | float) for v in seen if v is not None):
            seen.sort(key=lambda v: (v is None, v))
        if name in known:
            seen.sort(key=list(known[name]).index)
        ranks.append({value: rank for rank, value in enumerate(seen)})
    return sorted(
        dict.fromkeys(places), key=lambda place: [of[v] for of, v in zip(ranks, place, strict=True)]
    )


def _head(column: Place, layout: Layout) -> str:
    """A column's heading."""
    words = []
    for name, value in zip(layout.columns, column, strict=True):
        if name == "dataset":
            words.append("mean" if value == MEAN else labels.dataset(str(value)))
        elif name == "alpha":
            words.append(f"@{value:g}")
        elif name in LEVELS or isinstance(value, int | float) or value is None:
            words.append(f"{name} {labels.value(value)}")
        else:
            words.append(str(value))
    return " ".join(words) or "PCK"


def _cell(number: Number, reasons: Reasons, layout: Layout) -> str:
    if number.reason is not None:
        return reasons.cell(number.reason)
    text = labels.percent(number.pck)
    return (
        text + reasons.bounds(number.low, number.high, number.unbounded)
        if layout.intervals
        else text
    )


def _plain(number: Number) -> dict[str, object]:
    return {
        "pck": number.pck, "low": number.low, "high": number.high, "pairs": number.pairs,
        "seeds": number.seeds, "reason": number.reason, "records": " ".join(number.records),
    }  # fmt: skip
