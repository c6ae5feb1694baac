"""The content of a report, collected from a study; rendering adds nothing to it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sd4match.errors import SD4MatchError
from study.analysis import choosing
from study.analysis.choice_uncertainty import ChoiceUncertainty, choice_uncertainty
from study.analysis.results import Results
from study.analysis.rows import by_seed, configurations, one_training_seed
from study.report import accounts
from study.report.accounts import Fact, Hole, Line, Progress, origin
from study.report.examples import Gallery, gallery
from study.report.grids import Grid, axis_grid, configurations_grid
from study.report.influence import Ranking, ranking, verdict
from study.report.pictures import Picture, pictures
from study.report.scores import Score, scores
from study.space import labels
from study.space.labels import Settings
from study.space.metric import Metric
from study.tables.reproduce import launch_command

MOST_CHOICES = 40
"""Configurations to choose from in the examples; each costs a few kilobytes."""


@dataclass(frozen=True)
class Best:
    """The best configuration.

    Attributes:
        key: of the configuration.
        metric, value: what chose it, and its value.
        over: the seeds that the value is the mean of, in words; empty for one seed.
        sure: its ties and its optimism; None for an average over keypoints.
        one_seed: whether a learned prompt among it and its ties has one training seed.
        is_baseline: whether nothing was better than the baseline.
        settings: (axis, value, the baseline's value) where either applies.
        changed: (axis, value) of what tells it from the baseline.
        scores: at the usual alpha.
        by_alpha: at every alpha, row by row: place, then PCK with its interval.
        command: the command that measures it again.
    """

    key: str
    metric: str
    value: float
    over: str
    sure: ChoiceUncertainty | None
    one_seed: bool
    is_baseline: bool
    settings: tuple[tuple[str, str, str], ...]
    changed: tuple[tuple[str, str], ...]
    scores: tuple[Score, ...]
    by_alpha: tuple[tuple[str, tuple[Score, ...]], ...]
    command: str


@dataclass(frozen=True)
class Section:
    """One axis: its effect in words, its figure and its table."""

    axis: str
    verdict: str
    picture: Picture | None
    grid: Grid

    @property
    def title(self) -> str:
        """The axis in words."""
        return labels.axis(self.axis)


@dataclass(frozen=True)
class Content:
    """A report's content; see the fields' own classes."""

    name: str
    design: str
    reduced: str | None
    datasets: tuple[str, ...]
    varied: tuple[str, ...]
    n_configurations: int
    n_seeds: int
    alpha: float
    alphas: tuple[float, ...]
    protocol: str
    progress: Progress
    best: Best | None
    no_best: str
    ranking: Ranking
    sections: tuple[Section, ...]
    pictures: tuple[Picture, ...]
    configurations: Grid
    gallery: Gallery
    work: tuple[Line, ...]
    holes: tuple[Hole, ...]
    devices: Mapping[str, int]
    origin: tuple[Fact, ...]
    space: str


def collect(study: Results) -> Content:
    """Collect everything that the report of a study says.

    Args:
        study: finished or running.

    Raises:
        SD4MatchError: records are damaged.
    """
    facts = study.folder.facts
    table = configurations(study.cells)
    settings = by_seed(table)
    best, no_best = _best(study, table)
    drawn = pictures(study)
    ranked, devices = ranking(study), study.devices()
    return Content(
        name=study.name,
        design=str(facts["design"]).replace("_", " "),
        reduced=study.reduced,
        datasets=tuple(labels.dataset(name) for name in study.index["dataset"].unique()),
        varied=tuple(map(labels.axis, facts["axes"])),
        n_configurations=len(settings),
        n_seeds=max(map(len, settings.values()), default=1),
        alpha=study.rule.usual_alpha,
        alphas=study.rule.alphas,
        protocol=study.rule.protocol,
        progress=accounts.progress(study),
        best=best,
        no_best=no_best,
        ranking=ranked,
        sections=_sections(study, ranked, drawn),
        pictures=tuple(picture for picture in drawn if picture.axis is None),
        configurations=configurations_grid(study),
        gallery=gallery(study, _choices(study, table, best.key)) if best else Gallery(),
        work=tuple(accounts.work(study)),
        holes=tuple(accounts.holes(study)),
        devices=devices,
        origin=tuple(origin(study, devices)),
        space=(study.folder.path / "study.yaml").read_text(encoding="utf-8"),
    )


def _best(study: Results, table: Mapping[str, Settings]) -> tuple[Best | None, str]:
    try:
        row = choosing.best(study)
    except SD4MatchError as error:  # no validation split, or nothing measured yet
        return None, str(error)
    key, metric = str(row.name), str(row.index[-1])
    seeds = choosing.seeds_of(study.cells, key, metric=metric)
    base = _baseline(study, table, key)
    settings = tuple(
        (axis, labels.value(own), labels.value(base[axis]))
        for axis, own in table[key].items()
        if (own, base[axis]) != (None, None)
    )
    every = scores(study, key)
    usual = tuple(score for score in every if score.alpha == study.rule.usual_alpha)
    sure = None if Metric.parse(metric).point else choice_uncertainty(study, metric)
    by_alpha = tuple(
        (score.place, tuple(s for s in every if s.place == score.place)) for score in usual
    )
    return Best(
        key=key,
        metric=metric,
        value=float(row.iloc[-1]),
        over=labels.seeds_note(seeds),
        sure=sure,
        one_seed=one_training_seed(study.cells, [key, *(sure.tied if sure else ())]),
        is_baseline=study.baseline in study.seeds_of(key).values(),
        settings=settings,
        changed=tuple(
            (axis, labels.value(table[key][axis]))
            for axis in labels.differing(table.values())
            if table[key][axis] not in (None, base[axis])
        ),
        scores=usual,
        by_alpha=by_alpha,
        command=launch_command(study.folder, key, table[key]),
    ), ""


def _sections(study: Results, ranked: Ranking, drawn: list[Picture]) -> tuple[Section, ...]:
    """The axes, the most important first."""
    order = [of.axes[0] for of in ranked.influences if len(of.axes) == 1]
    own = {picture.axis: picture for picture in drawn}
    found = []
    for axis in sorted(study.axes, key=lambda a: order.index(a) if a in order else len(order)):
        grid, estimates = axis_grid(study, axis)
        found.append(Section(axis, verdict(estimates), own.get(axis), grid))
    return tuple(found)


def _baseline(study: Results, table: Mapping[str, Settings], like: str) -> Settings:
    """The baseline's settings; None on the varied axes where it is not planned yet."""
    unknown = dict.fromkeys(study.folder.facts["axes"])
    return table.get(study.baseline, {**table[like], **unknown})


def _choices(study: Results, table: Mapping[str, Settings], best: str) -> dict[str, str]:
    """Configurations to choose from: the best, the baseline, its neighbors, then the next best."""
    base = _baseline(study, table, best)
    apart = {key: _apart(row, base) for key, row in table.items()}
    ranked = map(str, choosing.top(study).index)
    settings = by_seed(table)
    near = [key for key in settings if len(apart[key]) == 1]
    names = {study.baseline: "baseline", best: "best"}
    wanted = dict.fromkeys([best, study.baseline, *near, *ranked])
    keys = [key for key in wanted if key in table][:MOST_CHOICES]
    return {key: ": ".join(filter(None, [names.get(key), ", ".join(apart[key])])) for key in keys}


def _apart(row: Settings, base: Settings) -> list[str]:
    """The settings in which a configuration differs from the baseline, where they apply to both."""
    return [
        f"{axis}={labels.value(own)}"
        for axis, own in row.items()
        if own is not None and base[axis] is not None and own != base[axis]
    ]
