"""The report's sentences: what was asked, what came out, what to keep in mind."""

from collections.abc import Sequence
from dataclasses import dataclass

from study.report.content import Content
from study.report.scores import Score
from study.space import labels
from study.space.labels import listed, several


@dataclass(frozen=True)
class Words:
    """Sentences; empty where there is nothing to say.

    Attributes:
        share: of the cells that are there, percent.
    """

    asked: str
    unfinished: str
    headline: str
    chosen: str
    share: float
    missing: tuple[str, ...]
    caveats: tuple[str, ...]
    sharing: str


def words(report: Content) -> Words:
    """Put a report's content into sentences."""
    progress = report.progress
    missing = []
    if progress.pending:
        missing.append(f"{several(progress.pending, 'cell')} not computed yet.")
    if progress.failed:
        missing.append(f"{several(progress.failed, 'cell')} missing for other reasons, see below.")
    return Words(
        asked=(
            f"{several(report.n_configurations, 'configuration')} on {listed(report.datasets)}"
            f" ({report.design}). "
            + (f"What varies: {listed(report.varied)}." if report.varied else "Nothing varies.")
        ),
        unfinished=_unfinished(report),
        headline=_headline(report),
        chosen=_chosen(report),
        share=round(100 * progress.done / max(progress.cells, 1), 1),
        missing=tuple(missing),
        caveats=tuple(_caveats(report)),
        sharing=_sharing(report),
    )


def _unfinished(report: Content) -> str:
    progress = report.progress
    if not (progress.running or progress.pending):
        return ""
    state = "The study was interrupted"
    if progress.running:
        state = f"The study still runs ({progress.running[0]})"
    return (
        f"{state}: {progress.pending:,} of {several(progress.cells, 'cell')} are not computed yet, "
        "and what is said here can change."
    )


def _headline(report: Content) -> str:
    best = report.best
    if best is None:
        return f"No best configuration: {report.no_best}"
    if best.is_baseline:
        return "The baseline is the best configuration: nothing that was tried beats it."
    told = listed([f"{axis} = {own}" for axis, own, _ in best.changed])
    return f"Best: {told}; all else as in the baseline."


def _chosen(report: Content) -> str:
    best = report.best
    if best is None:
        return ""
    chosen = f"Chosen on validation ({best.metric}: {labels.percent(best.value)} %{best.over})"
    gaps = [score for score in best.scores if score.split == "test" and score.gap]
    if best.is_baseline or not gaps:
        return f"{chosen}, reported on test."
    for tone, verb in (("gain", "better than"), ("loss", "worse than")):
        there = [s for s in gaps if s.gap and s.gap.tone == tone]
        if there:
            chosen += f"; on test it is {verb} the baseline on {_datasets(there)}"
    open_ = [score for score in gaps if score.gap and not score.gap.tone]
    if open_:
        chosen += f"; on {_datasets(open_)} test shows no difference (the interval includes 0)"
    unknown = [score for score in best.scores if score.split == "test" and score.reason]
    if unknown:
        chosen += f"; it was not measured on {_datasets(unknown)}"
    return chosen + "."


def _datasets(scores: Sequence[Score]) -> str:
    return listed([score.place.removesuffix(" test") for score in scores])


def _caveats(report: Content) -> list[str]:
    said = []
    if report.fidelity != "full":
        said.append(
            f"Cut short: {report.fidelity}. These numbers do not compare with published ones."
        )
    said.append(
        f"PCK@{report.alpha:g} is a mean over pairs under protocol {report.protocol}. Intervals "
        "cover 95 % and come from resampling images; they do not know that the best one was chosen "
        f"among {report.n_configurations:,}, nor, of one seed, how much another would change."
    )
    return said


def _sharing(report: Content) -> str:
    predictions = report.work[-1]
    if not predictions.shared:
        return "Nothing was planned."
    factor = predictions.alone / predictions.shared
    return (
        f"{several(predictions.shared, 'prediction')} of a whole split answer "
        f"{several(predictions.alone, 'cell')}, {factor:.1f} times fewer than one by one: layer, "
        "kernel width, localiser and temperature are read from the same pass."
    )
