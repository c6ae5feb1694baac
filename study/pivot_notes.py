"""The footnotes of `study.pivot`: what the numbers are, how they were chosen, and whence."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from study import footnotes, labels, published
from study.comparison import SEED, configurations
from study.layout import Layout
from study.slices import Keys

if TYPE_CHECKING:
    from study.study import Study


def what(layout: Layout, study: "Study") -> list[str]:
    """What the numbers are."""
    alphas = ", ".join(f"{alpha:g}" for alpha in layout.alphas)
    sets = ", ".join(map(labels.dataset, layout.datasets))
    said = [f"PCK@{alphas} in % on {sets} {', '.join(layout.splits)}, mean over pairs, protocol"
            f" {study.rule.protocol}."]  # fmt: skip
    if layout.intervals:
        said[0] += " [95 % interval] from a bootstrap of images within category."
    if not layout.groups and len(layout.datasets) > 1:
        said.append(
            "The mean is over data sets, each counted once; its interval takes their errors as"
            " independent."
        )
    return said


def of(study: "Study", layout: Layout, chosen: Iterable[Keys]) -> list[str]:
    """How a study's rows were trained, chosen and measured."""
    rows_of = list(dict.fromkeys(chosen))
    keys = [key for of_row in rows_of for key in of_row]
    table = configurations(study.cells)
    rows = [table[key] for key in keys]
    same = {
        name: value
        for name, value in rows[0].items()
        if name not in layout.axes and all(row[name] in (value, None) for row in rows)
    }
    how = [f"by the best {study.metric}"] if layout.best else []
    how += [f"where {layout.where}"] if layout.where else []
    seeds = labels.values(sorted({row[SEED] or 0 for row in rows}))
    over = f" Means over the measured of seeds {seeds}, a second level of the bootstrap."
    cells = study.cells
    shown = cells["configuration"].isin(keys) & cells["dataset"].isin(layout.datasets)
    counted = footnotes.pairs(cells[shown & cells["split"].isin(layout.splits)])
    return [
        f"Study {study.name}. Other axes {' '.join(how) or 'kept at the baseline'};"
        f" the same in all rows: {labels.settings(same)}.",
        f"Training: {labels.training(rows)}. Fidelity: {study.folder.facts['fidelity']}."
        f" Pairs: {counted}.{over if len(keys) > len(rows_of) else ''}",
    ]


def of_published(layout: Layout, excluded: str | None) -> list[str]:
    """What published rows are, or why there are none; ``excluded``: why they do not compare."""
    if not layout.published:
        return []
    if excluded and not layout.mixed:
        return [f"Published numbers are left out: {excluded}; --mixed shows them, marked."]
    mark = [f"† not comparable: {excluded}."] if excluded else []
    return [f"Rows marked as published: {published.SOURCE}.", *mark]


def records(study: "Study", raw: Sequence[Mapping[str, object]]) -> str:
    """Where a study's numbers come from; ``raw``: its cells, with keys under "records"."""
    return footnotes.provenance(study, [key for row in raw for key in str(row["records"]).split()])
