"""Everything that a report says, collected from a study; rendering adds nothing to it."""

from dataclasses import dataclass

from sd4match.errors import SD4MatchError
from study import labels
from study.report import accounts, connections
from study.report.accounts import Hole, Line, Progress
from study.report.connections import Picture
from study.report.examples import Gallery, gallery
from study.report.grids import Grid, axis_grid, configurations_grid
from study.report.influence import Influence, influence
from study.report.scores import Score, scores
from study.study import Study

MOST_CHOICES = 40
"""Configurations to choose from in the examples; each costs a few kilobytes."""


@dataclass(frozen=True)
class Best:
    """The best configuration.

    Attributes:
        key: of the configuration.
        metric, value: what chose it, and its value.
        is_baseline: whether nothing beat the baseline.
        settings: (axis, value, the baseline's value) where either applies.
        scores: at the usual alpha.
        by_alpha: at every alpha, row by row: place, then PCK with its interval.
        commands: (purpose, command) to get it again.
    """

    key: str
    metric: str
    value: float
    is_baseline: bool
    settings: tuple[tuple[str, str, str], ...]
    scores: tuple[Score, ...]
    by_alpha: tuple[tuple[str, tuple[Score, ...]], ...]
    commands: tuple[tuple[str, str], ...]

    @property
    def changed(self) -> list[tuple[str, str, str]]:
        """The settings in which it differs from the baseline."""
        return [row for row in self.settings if row[1] != row[2]]


@dataclass(frozen=True)
class Section:
    """One axis: what it does, its figure and its table."""

    axis: str
    title: str
    influence: Influence | None
    picture: Picture | None
    grid: Grid


@dataclass(frozen=True)
class Content:
    """A report's content; see the fields' own classes."""

    name: str
    design: str
    fidelity: str
    datasets: tuple[str, ...]
    asked: tuple[tuple[str, str], ...]
    n_configurations: int
    alpha: float
    alphas: tuple[float, ...]
    protocol: str
    progress: Progress
    best: Best | None
    no_best: str
    sections: tuple[Section, ...]
    pictures: tuple[Picture, ...]
    configurations: Grid
    gallery: Gallery
    work: tuple[Line, ...]
    holes: tuple[Hole, ...]
    provenance: tuple[tuple[str, str], ...]
    space: str


def collect(study: Study) -> Content:
    """Ask a study all that its report tells.

    Args:
        study: finished or running.

    Raises:
        SD4MatchError: records are damaged.
    """
    best, no_best = _best(study)
    pictures = connections.pictures(study)
    sections = []
    for axis in connections.axes(study):
        grid, raw = axis_grid(study, axis)
        own = next((picture for picture in pictures if picture.axis == axis), None)
        sections.append(Section(axis, labels.axis(axis), influence(axis, raw), own, grid))
    sections.sort(key=lambda section: -(section.influence.spread if section.influence else -1.0))
    facts = study.folder.facts
    return Content(
        name=study.name,
        design=str(facts["design"]).replace("_", " "),
        fidelity=str(facts["fidelity"]),
        datasets=tuple(labels.dataset(name) for name in study.index["dataset"].unique()),
        asked=tuple(
            (name, labels.values(values)) for name, values in connections.asked(study).items()
        ),
        n_configurations=study.index["configuration"].nunique(),
        alpha=study.rule.usual_alpha,
        alphas=study.rule.alphas,
        protocol=study.rule.protocol,
        progress=accounts.progress(study),
        best=best,
        no_best=no_best,
        sections=tuple(sections),
        pictures=tuple(picture for picture in pictures if picture.axis is None),
        configurations=configurations_grid(study),
        gallery=gallery(study, _choices(study, best.key)) if best else Gallery(),
        work=tuple(accounts.work(study)),
        holes=tuple(accounts.holes(study)),
        provenance=tuple(connections.provenance(study)),
        space=connections.space_text(study),
    )


def _best(study: Study) -> tuple[Best | None, str]:
    try:
        row = study.best()
    except SD4MatchError as error:  # no validation split, or nothing measured yet
        return None, str(error)
    key = str(row.name)
    table = connections.settings(study)
    base = connections.baseline(study, key)
    settings = tuple(
        (axis, labels.value(own), labels.value(base[axis]))
        for axis, own in table[key].items()
        if (own, base[axis]) != (None, None)
    )
    every = scores(study, key, study.rule.alphas)
    usual = tuple(score for score in every if score.alpha == study.rule.usual_alpha)
    by_alpha = tuple(
        (score.place, tuple(s for s in every if s.place == score.place)) for score in usual
    )
    return Best(
        key=key,
        metric=str(row.index[-1]),
        value=float(row.iloc[-1]),
        is_baseline=key == study.baseline,
        settings=settings,
        scores=usual,
        by_alpha=by_alpha,
        commands=tuple(connections.reproduce(study, key)),
    ), ""


def _choices(study: Study, best: str) -> dict[str, str]:
    """Configurations to look at: the best, the baseline, their neighbours, then the next best."""
    table = connections.settings(study)
    base = connections.baseline(study, best)
    apart = {key: _apart(row, base) for key, row in table.items()}
    ranked = study.table().raw["configuration"].astype(str)
    near = [key for key, words in apart.items() if len(words) == 1]
    names = {study.baseline: "baseline", best: "best"}
    wanted = dict.fromkeys([best, study.baseline, *near, *ranked])
    keys = [key for key in wanted if key in table][:MOST_CHOICES]
    return {key: ": ".join(filter(None, [names.get(key), ", ".join(apart[key])])) for key in keys}


def _apart(row: labels.Settings, base: labels.Settings) -> list[str]:
    """In what a configuration differs from the baseline where both mean something."""
    return [
        f"{axis}={labels.value(own)}"
        for axis, own in row.items()
        if own is not None and base[axis] is not None and own != base[axis]
    ]
