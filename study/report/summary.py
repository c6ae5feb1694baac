"""The sentences of a report: what was asked, the outcome, and its limits."""

from collections.abc import Sequence
from dataclasses import dataclass

from study.report.content import Best, Content
from study.report.scores import Score
from study.space import labels
from study.space.labels import listed, several
from study.tables import footnotes
from study.tables.best import MOST_TIED


@dataclass(frozen=True)
class Words:
    """Sentences; empty where there is nothing to say.

    Attributes:
        share: of the results that are computed, percent.
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
        missing.append(f"{several(progress.pending, 'result')} not computed yet.")
    if progress.failed:
        missing.append(
            f"{several(progress.failed, 'result')} missing for other reasons, see below."
        )
    return Words(
        asked=(
            f"{several(report.n_configurations, 'configuration')}"
            f"{f' with {report.n_seeds} seeds each' if report.n_seeds > 1 else ''}"
            f" on {listed(report.datasets)} ({report.design}). "
            + (f"Varied: {listed(report.varied)}." if report.varied else "Nothing is varied.")
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
        f"{state}: {progress.pending:,} of {several(progress.cells, 'result')} are not computed "
        "yet, and this report can change."
    )


def _headline(report: Content) -> str:
    best = report.best
    if best is None:
        return f"No best configuration: {report.no_best}"
    if best.is_baseline:
        return "The baseline is the best configuration: nothing else that was measured is better."
    changed = listed([f"{axis} = {own}" for axis, own in best.changed])
    return f"Best: {changed}; everything else as in the baseline."


def _chosen(report: Content) -> str:
    best = report.best
    if best is None:
        return ""
    chosen = f"Chosen on validation ({best.metric}: {labels.percent(best.value)} %{best.over})"
    gaps = [score for score in best.scores if score.split == "test" and score.gap]
    if best.is_baseline or not gaps:
        return f"{chosen}, reported on test.{_sure(best)}"
    for tone, verb in (("gain", "better than"), ("loss", "worse than")):
        clear = [s for s in gaps if s.gap and s.gap.tone == tone]
        if clear:
            chosen += f"; on test it is {verb} the baseline on {_datasets(clear)}"
    open_ = [score for score in gaps if score.gap and not score.gap.tone]
    if open_:
        chosen += f"; no significant difference on {_datasets(open_)} (the interval includes 0)"
    unknown = [score for score in best.scores if score.split == "test" and score.reason]
    if unknown:
        chosen += f"; it was not measured on {_datasets(unknown)}"
    return f"{chosen}.{_sure(best)}"


def _sure(best: Best) -> str:
    """How optimistic the score is, and what ties with the best, in sentences after a space."""
    sure = best.sure
    if sure is None or sure.compared == 1:
        return ""
    optimism = ""
    if sure.optimism == sure.optimism:
        optimism = (
            f" As the best of {sure.compared:,}, its validation score is optimistic by"
            f" {100 * sure.optimism:.1f} points ({labels.percent(best.value - sure.optimism)} %"
            " without it)."
        )
    others = several(len(sure.tied), "other configuration")
    if not sure.tied:
        return f"{optimism} Validation tells it from all others."
    shown = listed(sure.tied[:MOST_TIED])
    more = ", the first of them " if len(sure.tied) > MOST_TIED else ": "
    return f"{optimism} Validation cannot tell it from {others}{more}{shown}."


def _datasets(scores: Sequence[Score]) -> str:
    return listed([score.place.removesuffix(" test") for score in scores])


def _caveats(report: Content) -> list[str]:
    found = []
    if report.reduced:
        found.append(
            f"Reduced run: {report.reduced}. The numbers are not comparable with published ones."
        )
    found.append(
        f"PCK@{report.alpha:g} is a mean over pairs under protocol {report.protocol}. Intervals "
        "are meant to cover 95 % and are for other images of the same categories. They do not "
        f"account for choosing the best of {several(report.n_configurations, 'configuration')}."
    )
    if report.best is not None and report.best.one_seed:
        found.append(labels.ONE_SEED)
    if len(report.devices) > 1:
        found.append(footnotes.mixed(report.devices))
    return found


def _sharing(report: Content) -> str:
    predictions = report.work[-1]
    if not predictions.shared:
        return "Nothing was planned."
    factor = predictions.alone / predictions.shared
    return (
        f"{several(predictions.shared, 'prediction')} of a whole split answer "
        f"{several(predictions.alone, 'result')}, {factor:.1f} times fewer than without sharing: "
        "layer, kernel width, localizer, temperature and L2 normalization are read from the same "
        "pass."
    )
