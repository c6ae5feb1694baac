"""`Layout`: which axes are the rows and columns of a table, and which values are shown."""

from dataclasses import dataclass, replace

from sd4match.errors import SD4MatchError, require_known
from study.analysis.breakdown import GROUPS
from study.analysis.results import Results
from study.space import labels
from study.space.axes import AXES

MEASURES = ("dataset", "split", "alpha")
NO_SETTINGS = (*MEASURES, *GROUPS)
DIMENSIONS = (*AXES, *NO_SETTINGS)
"""The dimensions that rows and columns can have."""


@dataclass(frozen=True)
class Layout:
    """What a table shows.

    Attributes:
        rows, columns: dimensions; see `DIMENSIONS`.
        datasets: which; all by default, SPair-71k alone for categories and grades. Without the
            dimension ``dataset`` the table shows the mean over them.
        splits: which; test by default, all where split is a dimension.
        alphas: which; the study's usual one by default, all where alpha is a dimension.
        where: an SQL condition on the axes.
        best: for each result, take the values that validation chose of the axes that are not
            dimensions, as a search always does; otherwise they stay at the baseline, or are
            restricted by ``where``.
        published: add rows of published numbers.
        mixed: show what is not comparable in one table, marked.
        intervals: show 95 % intervals.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...] = ("dataset",)
    datasets: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
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
            set(self.rows) - set(AXES)
            or set(self.columns) - {"dataset", "alpha", "category"}
            or set(self.splits) - {"test"}
        ):
            raise SD4MatchError(
                "published numbers are of test splits: rows must be axes, and columns some of"
                " dataset, alpha, category"
            )

    @property
    def axes(self) -> tuple[str, ...]:
        """The dimensions that configurations differ in."""
        return tuple(name for name in (*self.rows, *self.columns) if name in AXES)

    @property
    def groups(self) -> tuple[str, ...]:
        """The dimensions that pairs are sorted by."""
        return tuple(name for name in (*self.rows, *self.columns) if name in GROUPS)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.rows, *self.columns)


def settled(layout: Layout, study: Results) -> Layout:
    """The layout with its defaults filled in from a study.

    Raises:
        SD4MatchError: something was not measured, or several values would share a cell.
    """
    evaluated = study.index["dataset"].unique().tolist()
    datasets = layout.datasets
    for name in datasets:
        require_known(name, evaluated, what="data set", where=f"study {study.name}")
    if not datasets:
        alone = "spair" if "spair" in evaluated else evaluated[0]
        one = bool(layout.groups) and "dataset" not in layout.dimensions
        datasets = (alone,) if one else tuple(name for name in labels.DATASETS if name in evaluated)
    if layout.groups and len(datasets) > 1 and "dataset" not in layout.dimensions:
        raise SD4MatchError(
            "categories and grades differ by data set: name one data set, or make it a dimension"
        )
    alphas = layout.alphas
    if not alphas:
        every = "alpha" in layout.dimensions
        alphas = study.rule.alphas if every else (study.rule.usual_alpha,)
    for alpha in alphas:
        if alpha not in study.rule.alphas:
            known = ", ".join(f"{a:g}" for a in study.rule.alphas)
            raise SD4MatchError(f"alpha {alpha:g} was not scored; scored are {known}")
    measured = sorted(study.index["split"].unique())
    splits = layout.splits or (tuple(measured) if "split" in layout.dimensions else ("test",))
    for split in splits:
        require_known(split, measured, what="split", where=f"study {study.name}")
    for name, given in (("split", splits), ("alpha", alphas)):
        if len(given) > 1 and name not in layout.dimensions:
            raise SD4MatchError(f"several values of {name}: make it a row or a column")
    best = layout.best or study.folder.facts["design"] == "search"
    return replace(layout, datasets=datasets, splits=splits, alphas=tuple(alphas), best=best)
