"""A finished or running study, ready for questions."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sd4match.errors import SD4MatchError, require_known
from sd4match.pck.protocols import PROTOCOLS
from study.analysis import choosing
from study.analysis.contrasts import varied
from study.analysis.measuring import measure, pairs_of, samples
from study.analysis.rows import matching, representatives
from study.analysis.sql import querying, views
from study.analysis.statistics.stats import Interval, PairSamples, interval
from study.search.ped_anova import importance
from study.space.axes import AXES
from study.space.metric import COST, Rule, selecting
from study.store.study_folder import StudyFolder
from study.tables import footnotes, tables
from study.tables.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from study.analysis.comparison import Comparison
    from study.tables.layout import Layout


class Study:
    """Answers from a study's folder and its store; needs no model, data set or GPU.

    Args:
        folder: the study's folder in ``results/``.
        rule: how predictions are scored; as the study was launched by default.

    Example:
        >>> import study
        >>> quickstart = study.open("results/quickstart")     # doctest: +SKIP
        >>> quickstart.best(metric="spair/val/pck@0.1")       # doctest: +SKIP
    """

    def __init__(self, folder: StudyFolder, rule: Rule | None = None) -> None:
        self.folder = folder
        facts = folder.facts
        self.name = str(facts["name"])
        self.rule = rule or Rule(tuple(facts["alphas"]), str(facts["protocol"]))

    def under(self, protocol: str | None = None, alphas: Sequence[float] = ()) -> "Study":
        """The same predictions under another protocol, or at more alphas.

        Args:
            protocol: docs/explanation/method.md section 3; None for the study's own.
            alphas: thresholds beside the study's own, which its metric needs.

        Raises:
            SD4MatchError: an unknown protocol.
        """
        require_known(
            self.rule.protocol if protocol is None else protocol, PROTOCOLS, what="protocol"
        )
        every = tuple(dict.fromkeys((*self.rule.alphas, *alphas)))
        rule = Rule(every, protocol or self.rule.protocol)
        return self if rule == self.rule else Study(self.folder, rule)

    @cached_property
    def index(self) -> pd.DataFrame:
        """Which record answers which configuration on which split; see `study.plan.index.table`."""
        return self.folder.read_plan()

    @cached_property
    def cells(self) -> pd.DataFrame:
        """PCK of every configuration, data set, split and alpha; see `study.analysis.measuring.measure`."""
        return measure(
            self.index, self.folder.store, self.rule, failures=self.folder.read_failures()
        )

    @property
    def baseline(self) -> str:
        """Key of the configuration that others are compared with."""
        return str(self.folder.facts["baseline"])

    @property
    def axes(self) -> list[str]:
        """The axes that vary around the baseline; none while a search has not come to it."""
        if self.baseline not in set(self.index["configuration"]):
            return []
        return varied(self.cells, baseline=self.baseline)

    def configurations(self) -> pd.DataFrame:
        """One row a configuration, by its key: the axes' values; NA where one means nothing."""
        return self.index.drop_duplicates("configuration").set_index("configuration")[list(AXES)]

    def top(
        self, metric: str | None = None, *, where: str | None = None, number: int | None = None
    ) -> pd.DataFrame:
        """The configurations that were measured, the best first.

        Args:
            metric: ``data set/split/measure``; the study's own by default. See `study.space.metric`.
            where: an SQL condition on the axes, for example ``prompt = 'text' AND layer < 2``.
            number: how many; None for all.

        Returns:
            A row a configuration, by its key: the axes' values (None where one means nothing), and
            ``metric`` in the last column.

        Raises:
            SD4MatchError: the metric is unknown, not on validation, or was not measured.
        """
        wanted = str(selecting(metric or self._chosen_by()))
        scores = choosing.ranked(self.cells, metric=wanted, where=where)[:number]
        rows = self.configurations().astype(object).loc[scores.index]
        return rows.where(rows.notna(), None).assign(**{wanted: scores})

    def best(self, metric: str | None = None, *, where: str | None = None) -> "pd.Series[Any]":
        """The best configuration: the first row of `top`, which says what the arguments are."""
        return self.top(metric, where=where, number=1).iloc[0]

    def scores(self, configuration: str) -> pd.DataFrame:
        """One configuration's PCK on every data set, split and alpha.

        Returns:
            Columns ``dataset, split, alpha, pck, low, high`` (95 % interval), ``pck_point, pairs,
            keypoints, status, reason``.

        Raises:
            SD4MatchError: there is no such configuration.
        """
        require_known(configuration, self.cells["configuration"].unique(), what="configuration")
        cells = self.cells[self.cells["configuration"] == configuration]
        bounds = [
            interval(self.samples(configuration, *where)) if there else Interval(nan, nan, nan)
            for there, *where in zip(
                cells["status"] == "done", cells["dataset"], cells["split"], cells["alpha"],
                strict=True,
            )
        ]  # fmt: skip
        found = cells[["dataset", "split", "alpha", "pck"]].assign(
            low=[around.low for around in bounds], high=[around.high for around in bounds]
        )
        rest = ["pck_point", "pairs", "keypoints", "status", "reason"]
        return found.join(cells[rest]).reset_index(drop=True)

    def pareto(
        self, objectives: Sequence[str] = (), *, where: str | None = None
    ) -> pd.DataFrame | None:
        """The configurations that no other is at least as good as in every objective.

        Args:
            objectives: metrics on validation, ``pck`` for the study's own, and ``cost``: planned
                TFLOP an image. None: what a search with several objectives chose.
            where: an SQL condition on the axes; of given objectives only.

        Returns:
            A row a configuration, by its key, the best in the first objective first, and a column
            an objective; None where none are given and no search had several.

        Raises:
            SD4MatchError: an objective is unknown, not on validation, or was not measured.
        """
        if objectives:
            names = [self._chosen_by() if n == choosing.PCK else n for n in objectives]
            names = [n if n == COST else str(selecting(n)) for n in names]
            keys = matching(self.cells, where or "true")
            return choosing.pareto(self.folder, self.cells, names, keys)
        found = self.folder.read_search()
        if found is None or len(found["objectives"]) < 2:
            return None
        chosen = pd.DataFrame.from_dict(
            found["chosen"], orient="index", columns=list(found["objectives"])
        )
        return chosen.rename_axis("configuration")

    def _chosen_by(self) -> str:
        if self.metric is None:
            raise SD4MatchError(
                f"study {self.name} has no data set with a validation split: nothing to choose by"
            )
        return self.metric

    @cached_property
    def provenance(self) -> dict[str, Any] | None:
        """Where the numbers come from, see `study.launch.provenance`; None where nobody kept it."""
        return self.folder.read_provenance()

    @property
    def metric(self) -> str | None:
        """The metric that configurations are chosen by, on validation; None where none can be."""
        metric: str | None = self.folder.facts["metric"]
        return metric

    def samples(self, configuration: str, dataset: str, split: str, alpha: float) -> PairSamples:
        """PCK of each pair behind a cell; see `study.analysis.measuring.samples`."""
        index = self.index
        rows = index[
            (index["configuration"] == configuration)
            & (index["dataset"] == dataset)
            & (index["split"] == split)
        ]
        return samples(rows.iloc[0], self.folder.store, self.rule, alpha)

    def pairs(self, dataset: str, split: str) -> pd.DataFrame:
        """The pairs behind `samples`, in their order: id, category, grades; see `answers`."""
        here = (self.index["dataset"] == dataset) & (self.index["split"] == split)
        return pairs_of(self.index[here].iloc[0], self.folder.store)

    def table(self, axis: str | None = None, *, alphas: Sequence[float] | None = None) -> Table:
        """The ablation table of one axis, or the overview of all configurations.

        Args:
            axis: whose values are the rows; None for the overview.
            alphas: columns a data set and split of an axis's table; the study's usual alpha by
                default. The overview is at the alpha of the metric that ranks it.

        Raises:
            SD4MatchError: nothing to compare along this axis; says which axes there are.
        """
        if axis is None:
            made = tables.overview(
                self.cells,
                # Without a validation split the overview can still list, though not choose.
                metric=self.metric or f"mean/test/pck@{self.rule.usual_alpha:g}",
                fidelity=self._fidelity,
                protocol=self.rule.protocol,
            )
        else:
            made = tables.ablation(
                self.cells,
                self.samples,
                axis=axis,
                baseline=self.baseline,
                alphas=alphas or [self.rule.usual_alpha],
                fidelity=self._fidelity,
                protocol=self.rule.protocol,
                selection=f"by {self.metric}" if self.metric else "none (no validation split)",
            )
        shown = made.raw if axis else made.raw.iloc[: len(made.formatted)]
        every = views.scores(self)
        same = representatives(self.cells)  # a row may be a mean over seeds
        of_rows = every["configuration"].map(same).isin(same[shown["configuration"].unique()])
        there = of_rows & (every["status"] == "done")
        whence = footnotes.provenance(self, every.loc[there, "predict"])
        return replace(made, footnotes=(*made.footnotes, whence))

    def pivot(self, layout: "Layout", *others: "Study") -> Table:
        """A table whose rows and columns are any dimensions; see `study.tables.layout`.

        Args:
            layout: what it shows.
            others: studies whose rows stand below.

        Example:
            >>> opened.pivot(Layout(("prompt",), ("category",)))  # doctest: +SKIP
        """
        from study.tables.pivot_table import pivot

        return pivot([self, *others], layout)

    def plot(self, kind: str, *names: str, alpha: float | None = None) -> "Figure":
        """One figure of a kind, as a matplotlib figure.

        Args:
            kind: one of `study.figures.figures.KINDS`, for example "axis", "heatmap" or "categories".
            names: its axes or configurations, as the kind takes them; its usual ones by default.
            alpha: threshold of PCK; the study's usual alpha by default.

        Raises:
            SD4MatchError: an unknown kind, or one that this study cannot answer; says which it can.
        """
        from study import figures  # matplotlib takes a second, which other answers do without

        return figures.draw(self, kind, names, alpha=alpha)

    def query(self, statement: str) -> pd.DataFrame:
        """Answer an SQL query (DuckDB) over the views that `study.analysis.sql.views.VIEWS` documents.

        Args:
            statement: for example ``SELECT prompt, max(pck) FROM scores GROUP BY prompt``.

        Raises:
            SD4MatchError: the query is wrong; the message is DuckDB's first line.
        """
        return querying.query(statement, views.views_of(self))

    def compare(
        self,
        other: "Study",
        *,
        configurations: tuple[str, str] | None = None,
        alpha: float | None = None,
    ) -> "Comparison":
        """This study and another: see `study.analysis.comparison.compare`."""
        from study.analysis.comparison import compare

        return compare(self, other, configurations_of=configurations, alpha=alpha)

    def export(
        self, folder: str | Path, *, form: str = "parquet", views: Sequence[str] = ()
    ) -> list[Path]:
        """Write views as files, all but ``keypoints`` by default: see `study.analysis.sql.querying.export`."""
        from study.analysis.sql import querying

        return querying.export(self, Path(folder), form=form, views=views or querying.USUAL)

    @property
    def _fidelity(self) -> str:
        return str(self.folder.facts["fidelity"])

    def importance(self, metric: str | None = None) -> pd.DataFrame:
        """Which axis matters, and how much, each number with its 95 % interval.

        Args:
            metric: an average over pairs; the study's own by default. See `study.space.metric`.

        Returns:
            See `study.search.ped_anova.importance`: what the numbers are depends on the design.

        Raises:
            SD4MatchError: no such metric, or too little is measured.
        """
        return importance(
            self.cells,
            self.samples,
            design=self.folder.facts["design"],
            metric=metric or self.metric or f"mean/test/pck@{self.rule.usual_alpha:g}",
            baseline=self.baseline,
        )


def open_study(path: str | Path) -> Study:
    """Open a study by its folder.

    Args:
        path: ``results/<name>``, or a URL.

    Raises:
        SD4MatchError: there is no study; the message lists those beside it.
    """
    return Study(StudyFolder.open(path))
