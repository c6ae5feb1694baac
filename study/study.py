"""`Study`: a finished or running study, with methods for tables, figures and queries."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from study.analysis import choosing
from study.analysis.results import Results
from study.store.study_folder import StudyFolder

if TYPE_CHECKING:  # each answer imports what it needs, so that others stay fast
    from study.analysis.comparison import Comparison
    from study.figures.page import Figure
    from study.tables.layout import Layout
    from study.tables.table import Table


class Study(Results):
    """Answers from a study's folder and its store; needs no model, data set or GPU.

    Args:
        folder: the study's folder in ``results/``.
        rule: how predictions are scored; the rule that the study was launched with by default.

    Example:
        >>> import study
        >>> quickstart = study.open("results/quickstart")     # doctest: +SKIP
        >>> quickstart.best(metric="spair/val/pck@0.1")       # doctest: +SKIP
    """

    def top(
        self, metric: str | None = None, *, where: str | None = None, number: int | None = None
    ) -> pd.DataFrame:
        """The configurations that were measured, the best first.

        Args, returns and errors: see `study.analysis.choosing.top`.
        """
        return choosing.top(self, metric, where=where, number=number)

    def best(self, metric: str | None = None, *, where: str | None = None) -> "pd.Series[Any]":
        """The best configuration: the first row of `top`, with the same arguments."""
        return choosing.best(self, metric, where=where)

    def pareto(
        self, objectives: Sequence[str] = (), *, where: str | None = None
    ) -> pd.DataFrame | None:
        """The configurations that no other is at least as good as in every objective.

        Args, returns and errors: see `study.analysis.choosing.pareto`.
        """
        return choosing.pareto(self, objectives, where=where)

    def importance(self, metric: str | None = None) -> pd.DataFrame:
        """How much each axis matters, each number with its 95 % interval.

        Args, returns and errors: see `study.search.ped_anova.study_importance`.
        """
        from study.search.ped_anova import study_importance

        return study_importance(self, metric)

    def table(
        self,
        axis: str | None = None,
        *,
        alphas: Sequence[float] | None = None,
        effect: float | None = None,
    ) -> "Table":
        """The ablation table of one axis, or the overview of all configurations.

        Args, returns and errors: see `study.tables.tables.study_table`.
        """
        from study.tables.tables import study_table

        return study_table(self, axis, alphas=alphas, effect=effect)

    def pivot(self, layout: "Layout", *others: Results) -> "Table":
        """A table whose rows and columns are any dimensions; see `study.tables.layout`.

        Args:
            layout: what it shows.
            others: studies to add below.

        Example:
            >>> opened.pivot(Layout(("prompt",), ("category",)))  # doctest: +SKIP
        """
        from study.tables.pivot_table import pivot

        return pivot([self, *others], layout)

    def plot(
        self, kind: str, *names: str, alpha: float | None = None, published: bool = False
    ) -> "Figure":
        """One figure of a kind, as a Matplotlib figure.

        Args:
            kind: one of `study.figures.KINDS`, for example "axis", "heatmap" or "categories".
            names: its axes or configurations, as the kind takes them; its usual ones by default.
            alpha: threshold of PCK; the study's usual alpha by default.
            published: draw published curves along an axis below the study's own, in grey.

        Raises:
            SD4MatchError: an unknown kind, or one that this study cannot draw; says which it can.
        """
        from study.figures.kinds import draw

        return draw(self, kind, names, alpha=alpha, published=published)

    def query(self, sql: str) -> pd.DataFrame:
        """Answer an SQL query (DuckDB) over the views that `study.analysis.sql.VIEWS` documents.

        Args:
            sql: for example ``SELECT prompt, pck FROM scores WHERE dataset = 'spair' AND
                split = 'val' AND alpha = 0.1``.

        Raises:
            SD4MatchError: the query is wrong; the message is DuckDB's first line.
        """
        from study.analysis.sql.querying import query
        from study.analysis.sql.views import views_of

        return query(sql, views_of(self))

    def compare(
        self,
        other: Results,
        *,
        configurations: tuple[str, str] | None = None,
        alpha: float | None = None,
    ) -> "Comparison":
        """Compare with another study: see `study.analysis.comparison.compare`."""
        from study.analysis.comparison import compare

        return compare(self, other, configurations_of=configurations, alpha=alpha)

    def export(
        self, folder: str | Path, *, form: str = "parquet", views: Sequence[str] = ()
    ) -> list[Path]:
        """Write views as files, all but ``keypoints`` by default.

        Args, returns and errors: see `study.analysis.sql.querying.export`.
        """
        from study.analysis.sql.querying import USUAL, export

        return export(self, Path(folder), form=form, views=views or USUAL)


def open_study(path: str | Path) -> Study:
    """Open a study by its folder.

    Args:
        path: ``results/<name>``, or a URL.

    Raises:
        SD4MatchError: there is no study; the message lists those beside it.
    """
    return Study(StudyFolder.open(path))
