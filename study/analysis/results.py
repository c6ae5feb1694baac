"""`Results`: a study as data, read from its folder and its store."""

from collections import Counter
from collections.abc import Collection, Sequence
from functools import cached_property
from itertools import chain
from math import nan
from typing import Any, Self

import pandas as pd

from sd4match.errors import require_known
from sd4match.pck.protocols import PROTOCOLS
from study.analysis.contrasts import varied
from study.analysis.measuring import cells_of, measured, pairs_of, samples
from study.analysis.rows import KEY, by_seed, configurations
from study.analysis.statistics.stats import Interval, PairSamples, Row, intervals
from study.space.axes import AXES
from study.space.metric import Rule
from study.store.devices import devices_of
from study.store.score_index import FREE, ScoreIndex
from study.store.study_folder import StudyFolder

LOOKED_AT = 1_000
"""Stages that are opened to tell where they were computed: 0.2 ms each."""


class Results:
    """What a study planned and measured; needs no model, data set or GPU.

    Everything that analyzes, prints or draws a study takes this class. `study.study.Study` adds
    the methods that users call.

    Args:
        folder: the study's folder in ``results/``.
        rule: how predictions are scored; the rule that the study was launched with by default.
        margin: the smallest difference of PCK that matters, in [0, 1]; the study's by default.
    """

    def __init__(
        self, folder: StudyFolder, rule: Rule | None = None, margin: float | None = None
    ) -> None:
        self.folder = folder
        facts = folder.facts
        self.name = str(facts["name"])
        self.rule = rule or Rule(tuple(facts["alphas"]), str(facts["protocol"]))
        points: float | None = facts.get("margin")
        self.margin = points / 100 if margin is None and points is not None else margin

    def under(
        self,
        protocol: str | None = None,
        alphas: Sequence[float] = (),
        margin: float | None = None,
    ) -> Self:
        """The same predictions under another protocol, at more alphas, or with another margin.

        Args:
            protocol: docs/explanation/method.md section 3; None for the study's own.
            alphas: thresholds to add to the study's own, which its metric needs.
            margin: the smallest difference that matters, in [0, 1]; None for the study's own.

        Returns:
            An object of the same class.

        Raises:
            SD4MatchError: an unknown protocol.
        """
        require_known(
            self.rule.protocol if protocol is None else protocol, PROTOCOLS, what="protocol"
        )
        every = tuple(dict.fromkeys((*self.rule.alphas, *alphas)))
        rule = Rule(every, protocol or self.rule.protocol)
        same = rule == self.rule and margin in (None, self.margin)
        return self if same else type(self)(self.folder, rule, margin)

    @cached_property
    def index(self) -> pd.DataFrame:
        """The record behind each configuration and split; see `study.plan.index.table`."""
        return self.folder.read_plan()

    @cached_property
    def cells(self) -> pd.DataFrame:
        """PCK of every configuration, data set, split and alpha; see `study.analysis.measuring`."""
        return cells_of(self.measured, self.rule)

    @cached_property
    def measured(self) -> pd.DataFrame:
        """The rows of `index` with their averages; see `study.analysis.measuring.measured`."""
        store = self.folder.store
        return measured(
            self.index,
            store,
            self.rule,
            failures=self.folder.read_failures(),
            remembered=self._remembered,
        )

    @cached_property
    def _remembered(self) -> ScoreIndex:
        return ScoreIndex(self.folder.path, self.folder.store.folder, self.rule)

    @cached_property
    def cells_with_keys(self) -> pd.DataFrame:
        """`cells` with ``predict`` and ``data``, the keys of what each number was computed from."""
        # `measure` gives one row per alpha, in the order of the index.
        repeats = len(self.rule.alphas)
        keys = self.index.loc[self.index.index.repeat(repeats), ["predict", "data"]]
        return self.cells.assign(**{str(name): keys[name].to_numpy() for name in keys})

    @property
    def baseline(self) -> str:
        """Key of the configuration that others are compared with."""
        return str(self.folder.facts["baseline"])

    @property
    def axes(self) -> list[str]:
        """The axes that vary around the baseline; none while a search has not planned it yet."""
        if self.baseline not in set(self.index["configuration"]):
            return []
        return varied(self.cells, baseline=self.baseline)

    @property
    def metric(self) -> str | None:
        """The metric on validation that chooses configurations; None without a validation split."""
        metric: str | None = self.folder.facts["metric"]
        return metric

    @property
    def usual_metric(self) -> str:
        """`metric`, or the mean on test where the study has no validation split."""
        return self.metric or f"mean/test/pck@{self.rule.usual_alpha:g}"

    @property
    def fidelity(self) -> str:
        """What was reduced to make the study faster, in words; see `study.space.space.Space`."""
        return str(self.folder.facts["fidelity"])

    @property
    def reduced(self) -> str | None:
        """What was reduced, without other departures from the paper's recipe; None for nothing."""
        reduced = self.fidelity.partition(";")[0]
        return None if reduced == "full" else reduced

    @cached_property
    def provenance(self) -> dict[str, Any] | None:
        """How the numbers were computed, see `study.launch.provenance`; None if not recorded."""
        return self.folder.read_provenance()

    def devices(self, predictions: Collection[str] | None = None) -> dict[str, int]:
        """How many stored stages were computed on each kind of device, the most frequent first.

        docs/explanation/architecture.md, idea 6. Stages whose files do not say it are left out. Of
        more than `LOOKED_AT` files that are not remembered, as many are opened, evenly spread.

        Args:
            predictions: keys of predict stages, which count with the tunings of their prompts; None
                for all of the study.
        """
        index = self.index
        if predictions is not None:
            index = index[index["predict"].astype(object).isin(set(predictions))]
        tunes, predicts = (index[name].dropna().unique() for name in ("tune", "predict"))
        assert self.measured is not None  # it reads the index
        known = self._remembered.devices()
        new = [key for key in predicts if key not in known]
        tunes, new = (keys[:: -(-len(keys) // LOOKED_AT) or 1] for keys in (tunes, new))
        found = known | devices_of(self.folder.store, tunes=tunes, predicts=new)
        kinds = (found.get(key, []) for key in chain(tunes, predicts))
        return dict(Counter(chain.from_iterable(kinds)).most_common())

    @property
    def revision(self) -> str:
        """The version of the code that the study was launched with, and its git revision."""
        known = f"sd4match-study {self.folder.facts['versions']['sd4match-study']}"
        if self.provenance is not None:
            code = self.provenance["launches"][-1]["code"]
            if code["revision"]:
                changes = " with changes" if code["diff"] else ""
                known += f", revision {code['revision'][:10]}{changes}"
        return known

    def configurations(self) -> pd.DataFrame:
        """The axes' values of each configuration, by its key; NA where an axis does not apply."""
        return self.index.drop_duplicates("configuration").set_index("configuration")[list(AXES)]

    def samples(self, configuration: str, dataset: str, split: str, alpha: float) -> PairSamples:
        """PCK of each pair behind a result; see `study.analysis.measuring.samples`."""
        number = self._row_of[configuration, dataset, split]
        row = {name: values[number] for name, values in self._records.items()}
        return samples(row, self.folder.store, self.rule, alpha)

    @cached_property
    def _records(self) -> dict[str, list[Any]]:
        """Columns of `measured` that say where samples are; as lists, which are read faster."""
        names = ["predict", "data", "image_size", "scores", *FREE]
        return {name: self.measured[name].tolist() for name in names}

    def seeds_of(self, configuration: str) -> dict[int, str]:
        """The configurations that equal one in all but the seed, itself too, by seed."""
        return self._seeds_of[configuration]

    @cached_property
    def _seeds_of(self) -> dict[str, dict[int, str]]:
        found = by_seed(configurations(self.cells))
        return {key: seeds for seeds in found.values() for key in seeds.values()}

    def row(self, configuration: str, dataset: str, split: str, alpha: float) -> Row:
        """The samples of all measured seeds of a configuration's setting, by seed."""
        keys = self.seeds_of(configuration).items()
        place = (dataset, split)
        done = {seed: key for seed, key in keys if (key, *place) in self._done}
        return {seed: self.samples(key, *place, alpha) for seed, key in done.items()}

    @cached_property
    def _done(self) -> set[tuple[str, str, str]]:
        cells = self.cells[self.cells["status"] == "done"]
        names = ["configuration", "dataset", "split"]
        return set(cells[names].itertuples(index=False, name=None))

    @cached_property
    def _row_of(self) -> dict[tuple[str, str, str], int]:
        """Configuration, data set and split to the number of their row in `index`."""
        keys = (self.index[name].tolist() for name in ("configuration", "dataset", "split"))
        return {key: number for number, key in enumerate(zip(*keys, strict=True))}

    def pairs(self, dataset: str, split: str) -> pd.DataFrame:
        """The pairs behind `samples`, in the same order; see `study.analysis.measuring.pairs_of`.

        Returns:
            One row per pair: its id, category and grades of difficulty.
        """
        of_split = (self.index["dataset"] == dataset) & (self.index["split"] == split)
        return pairs_of(self.index[of_split].iloc[0], self.folder.store)

    def scores(self, configuration: str) -> pd.DataFrame:
        """PCK of one configuration on every data set, split and alpha: means over its seeds.

        Returns:
            Columns ``dataset, split, alpha, pck, low, high`` (95 % interval), ``seeds`` (how many
            were measured), ``pck_point, pairs, keypoints, status, reason`` (why it is missing, or
            has no interval).

        Raises:
            SD4MatchError: there is no such configuration.
        """
        require_known(configuration, self.cells["configuration"].unique(), what="configuration")
        keys = self.seeds_of(configuration).values()
        of_seeds = self.cells[self.cells["configuration"].isin(keys)]
        found = []
        for (dataset, split), cells in of_seeds.groupby(["dataset", "split"], sort=False):
            alphas = [float(alpha) for alpha in cells["alpha"].unique()]
            rows = [self.row(configuration, str(dataset), str(split), alpha) for alpha in alphas]
            around = iter(intervals([row for row in rows if row]))
            for alpha, row in zip(alphas, rows, strict=True):
                at_alpha = cells[cells["alpha"] == alpha].sort_values("status", kind="stable")
                first = at_alpha.iloc[0]  # done comes before missing
                bounds = next(around) if row else Interval(nan, nan, nan, 0)
                numbers = (bounds.mean, bounds.low, bounds.high, len(row))
                points = at_alpha["pck_point"].mean()
                rest = first[["pairs", "keypoints", "status"]]
                why = bounds.reason if row else first["reason"]
                found.append((dataset, split, alpha, *numbers, points, *rest, why))
        numbered = ["pck", "low", "high", "seeds", "pck_point"]
        names = [*KEY, *numbered, "pairs", "keypoints", "status", "reason"]
        return pd.DataFrame(found, columns=names)
