"""Tables whose rows and columns are any axes, data sets, splits, alphas, categories and grades."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import pandas as pd

from sd4match.breakdown import LEVELS
from sd4match.errors import SD4MatchError, require_known
from study import comparability, footnotes, labels, published
from study.ablation import configurations
from study.axes import AXES
from study.footnotes import Reasons
from study.metric import MEAN
from study.rendering import Table, marks
from study.slices import choose
from study.subsets import GROUPS, Number, Split, mean

if TYPE_CHECKING:
    from study.study import Study

MEASURES = ("dataset", "split", "alpha")
DIMENSIONS = (*AXES, *MEASURES, *GROUPS)
"""What rows and columns can be."""
_STUDY = "study"

Place = tuple[labels.Value, ...]


@dataclass(frozen=True)
class Layout:
    """What a table shows.

    Attributes:
        rows, columns: dimensions; see `DIMENSIONS`.
        datasets: which; all by default, SPair-71k alone for categories and grades. Without the
            dimension ``dataset`` the table shows the mean over them.
        splits: which; test by default.
        alphas: which; the study's usual one by default, all where alpha is a dimension.
        where: an SQL condition on the axes.
        best: of the axes that are no dimension, take the values that validation chose, cell by
            cell; else they stay at the baseline, or are what ``where`` leaves.
        published: add rows of published numbers.
        mixed: show what is not comparable in one table, marked.
        intervals: show 95 % intervals.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...] = ("dataset",)
    datasets: tuple[str, ...] = ()
    splits: tuple[str, ...] = ("test",)
    alphas: tuple[float, ...] = ()
    where: str | None = None
    best: bool = False
    published: bool = False
    mixed: bool = False
    intervals: bool = True

    def __post_init__(self) -> None:
        every = (*self.rows, *self.columns)
        for name in every:
            require_known(name, DIMENSIONS, what="dimension", where="rows and columns")
        if not self.rows or len(set(every)) < len(every):
            raise SD4MatchError("rows and columns: name at least one row, and nothing twice")
        if self.published and (
            set(self.rows) - set(AXES) or set(self.columns) - {"dataset", "alpha", "category"}
        ):
            raise SD4MatchError(
                "published numbers: rows must be axes, and columns some of dataset, alpha, category"
            )

    @property
    def axes(self) -> tuple[str, ...]:
        """The dimensions that configurations differ in."""
        return tuple(name for name in (*self.rows, *self.columns) if name in AXES)

    @property
    def groups(self) -> tuple[str, ...]:
        """The dimensions that pairs are sorted by."""
        return tuple(name for name in (*self.rows, *self.columns) if name in GROUPS)


def pivot(studies: Sequence["Study"], layout: Layout) -> Table:
    """One table of one or several studies.

    Args:
        studies: whose numbers; the first is what the others must be comparable with.
        layout: what the table shows.

    Returns:
        A row for each combination of the row dimensions, likewise columns; a mean over the data
        sets where ``dataset`` is a dimension. The best and the second of each column are marked.

    Raises:
        SD4MatchError: the studies are not comparable and not to be mixed; nothing was measured
            there; several configurations would share a cell.
    """
    first = studies[0]
    layout = _settled(layout, first)
    unlike = comparability.differences(studies, layout.datasets, layout.splits)
    if unlike and not layout.mixed:
        raise SD4MatchError(f"{next(iter(unlike.values()))}; --mixed shows them, marked")
    several = len(studies) > 1
    chosen = {study.name: choose(study, layout.axes, where=layout.where, best=layout.best)
              for study in studies}  # fmt: skip
    numbers: dict[tuple[Place, Place], Number] = {}
    raw: list[dict[str, object]] = []
    for study in studies:
        for settings, key, place, number in _numbers(study, layout, chosen[study.name]):
            at = {**settings, **place}
            row = tuple(at[name] for name in layout.rows)
            mark = " †" if study.name in unlike else ""
            head: Place = (study.name + mark, *row) if several else row
            numbers[head, tuple(at[name] for name in layout.columns)] = number
            raw.append({_STUDY: study.name, "configuration": key} | at | _plain(number))
    rows = _ordered([row for row, _ in numbers], ((_STUDY,) if several else ()) + layout.rows)
    columns = _ordered([column for _, column in numbers], layout.columns)
    reasons = Reasons()
    lines: list[tuple[list[str], list[float]]] = []
    excluded = _published_are(layout, first)
    if layout.published and (layout.mixed or not excluded):
        lines = _published_lines(layout, columns, len(rows[0]), " †" if excluded else "")
    nothing = Number(reason="not part of the study")
    shown: list[list[str]] = [line for line, _ in lines]
    values: list[list[float]] = [found for _, found in lines]
    for row in rows:
        found = [numbers.get((row, column), nothing) for column in columns]
        shown.append([*map(labels.value, row), *(_cell(n, reasons, layout) for n in found)])
        values.append([number.pck for number in found])
    heads = [labels.axis(name) for name in ((_STUDY,) if several else ()) + layout.rows]
    formatted = pd.DataFrame(shown, columns=heads + [_head(c, layout) for c in columns])
    ranks = {
        mark: rank
        for place in range(len(columns))
        for mark, rank in marks([line[place] for line in values], len(heads) + place).items()
    }
    notes = [
        *_what(layout, first),
        *(note for study in studies for note in _of(study, layout, list(chosen[study.name].values()))),
        *reasons.notes(),
        *(f"† {text}." for text in unlike.values()),
        *_published_notes(layout, excluded),
        *(
            footnotes.provenance(study, [str(r) for e in raw if e[_STUDY] == study.name
                                         for r in str(e["records"]).split()])
            for study in studies
        ),
    ]  # fmt: skip
    named = " × ".join(map(labels.axis, layout.rows))
    title = f"PCK by {named} and {', '.join(map(labels.axis, layout.columns))}"
    return Table(title if layout.columns else f"PCK by {named}", formatted, pd.DataFrame(raw), tuple(notes), ranks)


def _settled(layout: Layout, study: "Study") -> Layout:
    """The layout with its defaults filled in."""
    there = study.index["dataset"].unique().tolist()
    datasets = layout.datasets
    for name in datasets:
        require_known(name, there, what="data set", where=f"study {study.name}")
    if not datasets:
        alone = "spair" if "spair" in there else there[0]
        one = bool(layout.groups) and "dataset" not in (*layout.rows, *layout.columns)
        datasets = (alone,) if one else tuple(name for name in labels.DATASETS if name in there)
    if layout.groups and len(datasets) > 1 and "dataset" not in (*layout.rows, *layout.columns):
        raise SD4MatchError("categories and grades are a data set's own: name one, or a dimension")
    alphas = layout.alphas
    if not alphas:
        every = "alpha" in (*layout.rows, *layout.columns)
        alphas = study.rule.alphas if every else (study.rule.usual_alpha,)
    for alpha in alphas:
        if alpha not in study.rule.alphas:
            known = ", ".join(f"{a:g}" for a in study.rule.alphas)
            raise SD4MatchError(f"alpha {alpha:g} was not scored; there are {known}")
    measured = set(study.index["split"])
    for split in layout.splits:
        require_known(split, sorted(measured), what="split", where=f"study {study.name}")
    dimensions = (*layout.rows, *layout.columns)
    for name, given in (("split", layout.splits), ("alpha", alphas)):
        if len(given) > 1 and name not in dimensions:
            raise SD4MatchError(f"several values of {name}: make it a row or a column")
    return replace(layout, datasets=datasets, alphas=tuple(alphas))


def _numbers(
    study: "Study", layout: Layout, chosen: Mapping[Place, str]
) -> Iterator[tuple[dict[str, labels.Value], str, dict[str, labels.Value], Number]]:
    """(axes, configuration, other dimensions, number) of every cell of a study."""
    keys = list(dict.fromkeys(chosen.values()))
    held = set(study.index[["dataset", "split"]].itertuples(index=False, name=None))
    for split, alpha in product(layout.splits, layout.alphas):
        whole: dict[str, dict[str, Number]] = {}
        for dataset in layout.datasets:
            if (dataset, split) not in held:
                continue
            part = Split(study, dataset, split, alpha)
            for levels in product(*map(part.levels, layout.groups)):
                parts = dict(zip(layout.groups, levels, strict=True))
                found = part.numbers(keys, parts)
                if not parts:
                    whole[dataset] = found
                at: dict[str, labels.Value] = {"dataset": dataset, "split": split, "alpha": alpha}
                if "dataset" in (*layout.rows, *layout.columns) or layout.groups:
                    yield from _placed(layout, chosen, found, at | parts)
        if len(whole) > 1 or (whole and "dataset" not in (*layout.rows, *layout.columns)):
            over = {key: mean({name: of[key] for name, of in whole.items()}) for key in keys}
            at = {"dataset": MEAN, "split": split, "alpha": alpha}
            if len(whole) == 1:
                (only,) = whole
                over, at["dataset"] = whole[only], only
            yield from _placed(layout, chosen, over, at)


def _placed(
    layout: Layout,
    chosen: Mapping[Place, str],
    found: Mapping[str, Number],
    at: dict[str, labels.Value],
) -> Iterator[tuple[dict[str, labels.Value], str, dict[str, labels.Value], Number]]:
    for values, key in chosen.items():
        yield dict(zip(layout.axes, values, strict=True)), key, at, found[key]


def _ordered(places: Sequence[Place], names: Sequence[str]) -> list[Place]:
    """Each once: numbers ascend, data sets and grades have their order, the mean comes last."""
    known: dict[str, Sequence[object]] = {"dataset": [*labels.DATASETS, MEAN], "split": ["test", "val"]}
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
    said = []
    for name, value in zip(layout.columns, column, strict=True):
        if name == "dataset":
            said.append("mean" if value == MEAN else labels.dataset(str(value)))
        elif name == "alpha":
            said.append(f"@{value:g}")
        elif name in LEVELS or isinstance(value, int | float) or value is None:
            said.append(f"{name} {labels.value(value)}")
        else:
            said.append(str(value))
    return " ".join(said) or "PCK"


def _cell(number: Number, reasons: Reasons, layout: Layout) -> str:
    if number.reason is not None:
        return reasons.cell(number.reason)
    text = labels.percent(number.pck)
    return text + labels.bounds(number.low, number.high) if layout.intervals else text


def _plain(number: Number) -> dict[str, object]:
    return {
        "pck": number.pck, "low": number.low, "high": number.high, "pairs": number.pairs,
        "reason": number.reason, "records": " ".join(number.records),
    }  # fmt: skip


def _what(layout: Layout, study: "Study") -> list[str]:
    """What the numbers are."""
    alphas = ", ".join(f"{alpha:g}" for alpha in layout.alphas)
    sets = ", ".join(map(labels.dataset, layout.datasets))
    said = [f"PCK@{alphas} in % on {sets} {', '.join(layout.splits)}, mean over pairs, protocol"
            f" {study.rule.protocol}."]  # fmt: skip
    if layout.intervals:
        said[0] += " [95 % interval] from 2,000 bootstrap resamples of images within category."
    if not layout.groups and len(layout.datasets) > 1:
        said.append("The mean is over data sets, each counted once; their errors are independent.")
    return said


def _of(study: "Study", layout: Layout, keys: Sequence[str]) -> list[str]:
    """How a study's rows were trained, chosen and measured."""
    table = configurations(study.cells)
    rows = [table[key] for key in dict.fromkeys(keys)]
    same = {
        name: value
        for name, value in rows[0].items()
        if name not in layout.axes and all(row[name] in (value, None) for row in rows)
    }
    how = "by the best " + str(study.metric) if layout.best else "kept at the baseline"
    if layout.where and not layout.best:
        how = f"where {layout.where}"
    cells = study.cells
    shown = cells["configuration"].isin(keys) & cells["dataset"].isin(layout.datasets)
    counted = footnotes.pairs(cells[shown & cells["split"].isin(layout.splits)])
    return [
        f"Study {study.name}. Other axes {how}; the same in all rows: {labels.settings(same)}.",
        f"Training: {labels.training(rows)}. Fidelity: {study.folder.facts['fidelity']}."
        f" Pairs: {counted}.",
    ]


def _published_are(layout: Layout, study: "Study") -> str | None:
    """Why published numbers are not comparable with a study's."""
    return comparability.not_as_published(study, layout.datasets) if layout.published else None


def _published_notes(layout: Layout, excluded: str | None) -> list[str]:
    if not layout.published:
        return []
    if excluded and not layout.mixed:
        return [f"Published numbers are left out: {excluded}; --mixed shows them, marked."]
    mark = [f"† not comparable: {excluded}."] if excluded else []
    return [f"“Published” rows: {published.SOURCE}; per image, whole test splits.", *mark]


def _published_lines(
    layout: Layout, columns: Sequence[Place], width: int, mark: str
) -> list[tuple[list[str], list[float]]]:
    lines = []
    for method in published.PUBLISHED:
        found = [_published(method, layout, column) for column in columns]
        if any(value is not None for value in found):
            head = [f"{method.method}, published{mark}", *[""] * (width - 1)]
            texts = [labels.MISSING if v is None else f"{v:.1f}" for v in found]
            lines.append(([*head, *texts], [float("nan") if v is None else v / 100 for v in found]))
    return lines


def _published(method: published.Published, layout: Layout, column: Place) -> float | None:
    at = dict(zip(layout.columns, column, strict=True))
    dataset = str(at.get("dataset", layout.datasets[0] if len(layout.datasets) == 1 else MEAN))
    alpha = float(str(at.get("alpha", layout.alphas[0])))
    if "category" in at:
        return method.by_category.get((dataset, alpha), {}).get(str(at["category"]))
    if dataset != MEAN:
        return method.pck.get((dataset, alpha))
    every = [method.pck.get((name, alpha)) for name in layout.datasets]
    known = [value for value in every if value is not None]
    return sum(known) / len(known) if len(known) == len(every) else None
