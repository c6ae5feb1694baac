"""A finished or running study, ready for questions."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sd4match.atomic import atomic_path
from sd4match.errors import SD4MatchError
from study import ablation, figures, sql, tables
from study.answers import measure, samples
from study.axes import AXES
from study.folder import StudyFolder
from study.metric import selecting, value
from study.rendering import Table
from study.scoring import Rule
from study.stats import PairSamples


class Study:
    """Answers from a study's folder and its store; needs no model, data set or GPU.

    Args:
        folder: the study's folder in ``results/``.

    Example:
        >>> import study
        >>> quickstart = study.open("results/quickstart")     # doctest: +SKIP
        >>> quickstart.best(metric="spair/val/pck@0.1")       # doctest: +SKIP
    """

    def __init__(self, folder: StudyFolder) -> None:
        self.folder = folder
        facts = folder.facts
        self.name = str(facts["name"])
        self.rule = Rule(tuple(facts["alphas"]), str(facts["protocol"]))

    @cached_property
    def index(self) -> pd.DataFrame:
        """Which record answers which configuration on which split; see `study.cells.table`."""
        return self.folder.read_plan()

    @cached_property
    def cells(self) -> pd.DataFrame:
        """PCK of every configuration, data set, split and alpha; see `study.answers.measure`."""
        return measure(
            self.index, self.folder.store, self.rule, failures=self.folder.read_failures()
        )

    @property
    def baseline(self) -> str:
        """Key of the configuration that others are compared with."""
        return str(self.folder.facts["baseline"])

    @property
    def axes(self) -> list[str]:
        """The axes that vary around the baseline."""
        return ablation.varied(self.cells, baseline=self.baseline)

    def configurations(self) -> pd.DataFrame:
        """One row a configuration, by its key: the axes' values; NA where one means nothing."""
        return self.index.drop_duplicates("configuration").set_index("configuration")[list(AXES)]

    def best(self, metric: str | None = None, *, where: str | None = None) -> "pd.Series[Any]":
        """The best configuration.

        Args:
            metric: ``data set/split/measure``; the study's own by default. See `study.metric`.
            where: an SQL condition on the axes, for example ``prompt = 'text' AND layer < 2``.

        Returns:
            Its axes' values and ``metric``'s value, named by the configuration's key.

        Raises:
            SD4MatchError: the metric is unknown, not on validation, or was not measured.
        """
        chosen = metric or self.metric
        if chosen is None:
            raise SD4MatchError(
                f"study {self.name} has no data set with a validation split: nothing to choose by"
            )
        wanted = str(selecting(chosen))
        key = tables.best(self.cells, metric=wanted, where=where)
        row = pd.Series(self.configurations().astype(object).to_dict("index")[key], name=key)
        row[wanted] = float(value(self.cells, wanted)[key])
        return row

    def pareto(self) -> pd.DataFrame | None:
        """What a search with several objectives chose, the best in the first one first.

        Returns:
            A row a configuration, by its key, and a column an objective; None for other studies.
        """
        found = self.folder.read_search()
        if found is None or len(found["objectives"]) < 2:
            return None
        chosen = pd.DataFrame.from_dict(
            found["chosen"], orient="index", columns=list(found["objectives"])
        )
        return chosen.rename_axis("configuration")

    @property
    def provenance(self) -> dict[str, Any] | None:
        """Where the numbers come from, see `study.provenance.record`; None where nobody kept it."""
        return self.folder.read_provenance()

    @property
    def metric(self) -> str | None:
        """The metric that configurations are chosen by, on validation; None where none can be."""
        metric: str | None = self.folder.facts["metric"]
        return metric

    def samples(self, configuration: str, dataset: str, split: str, alpha: float) -> PairSamples:
        """PCK of each pair behind a cell; see `study.answers.samples`."""
        index = self.index
        rows = index[
            (index["configuration"] == configuration)
            & (index["dataset"] == dataset)
            & (index["split"] == split)
        ]
        return samples(rows.iloc[0], self.folder.store, self.rule, alpha)

    def table(self, axis: str | None = None, *, alphas: Sequence[float] | None = None) -> Table:
        """The ablation table of one axis, or the overview of all configurations.

        Args:
            axis: whose values are the rows; None for the overview.
            alphas: columns a data set and split; the study's usual alpha by default.

        Raises:
            SD4MatchError: nothing to compare along this axis; says which axes there are.
        """
        if axis is None:
            return tables.overview(
                self.cells,
                # Without a validation split the overview can still list, though not choose.
                metric=self.metric or f"mean/test/pck@{self.rule.usual_alpha:g}",
                fidelity=self._fidelity,
                protocol=self.rule.protocol,
            )
        return tables.ablation(
            self.cells,
            self.samples,
            axis=axis,
            baseline=self.baseline,
            alphas=alphas or [self.rule.usual_alpha],
            fidelity=self._fidelity,
            protocol=self.rule.protocol,
            selection=f"by {self.metric}" if self.metric else "none (no validation split)",
        )

    def plot(self, axis: str, *, alpha: float | None = None) -> Figure:
        """PCK along one axis with intervals, as a matplotlib figure.

        Args:
            axis: on the horizontal axis.
            alpha: threshold of PCK; the study's usual alpha by default.

        Raises:
            SD4MatchError: nothing to compare along this axis; says which axes there are.
        """
        return figures.ablation(
            self.cells,
            self.samples,
            axis=axis,
            baseline=self.baseline,
            alpha=alpha or self.rule.usual_alpha,
            fidelity=self._fidelity,
        )

    def query(self, statement: str) -> pd.DataFrame:
        """Answer an SQL query (DuckDB) over the views ``configurations`` and ``scores``.

        Args:
            statement: for example ``SELECT prompt, max(pck) FROM scores GROUP BY prompt``.

        Raises:
            SD4MatchError: the query is wrong; the message is DuckDB's first line.
        """
        return sql.query(
            statement, configurations=self.configurations().reset_index(), scores=self.cells
        )

    def write_answers(self) -> list[Path]:
        """Write all tables and figures into the study's folder.

        Returns:
            The files: ``tables/<axis>.md`` and ``.csv``, ``figures/<axis>.png`` and ``.pdf``.
        """
        for old in set(AXES) - set(self.axes):  # an earlier launch may have varied other axes
            for file in self.folder.path.glob(f"*/{old}.*"):
                if file.parent.name in ("tables", "figures"):
                    file.unlink()
        written = []
        for axis in (None, *self.axes):
            stem = axis or "overview"
            # Readers get one alpha, programs all of them.
            numbers = self.table(axis, alphas=self.rule.alphas).csv()
            for suffix, text in ((".md", self.table(axis).markdown()), (".csv", numbers)):
                file = self.folder.path / "tables" / f"{stem}{suffix}"
                with atomic_path(file) as temporary:
                    temporary.write_text(text, encoding="utf-8")
                written.append(file)
        for axis in self.axes:
            try:
                figure = self.plot(axis)
            except SD4MatchError:
                continue  # nothing along it was measured; its table says why
            written += figures.save(figure, self.folder.path / "figures", axis)
        return written

    @property
    def _fidelity(self) -> str:
        return str(self.folder.facts["fidelity"])


def open_study(path: str | Path) -> Study:
    """Open a study by its folder.

    Args:
        path: ``results/<name>``.

    Raises:
        SD4MatchError: there is no study; the message lists those beside it.
    """
    return Study(StudyFolder.open(path))
