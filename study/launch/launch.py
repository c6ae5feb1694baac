"""One launch of a study: plan once, lock, compute what is pending, write tables and figures."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

from rich.console import Console

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import remove_abandoned
from sd4match.files.masking import masked_values
from study.engine.listener import Journal, Listener, Listeners
from study.engine.stopping import Stop, stoppable
from study.engine.work import Outcome, Work, outstanding
from study.launch.budget import Purse, remaining, remaining_lines
from study.launch.outputs import update_answers
from study.launch.plan_report import describe_plan, plan_of
from study.launch.progress import WRITING, WRITTEN, Progress
from study.launch.provenance import Provenance, recorded
from study.launch.sync import synced
from study.launch.terminal import Lines, animated, shown
from study.plan.estimates import Estimate
from study.plan.plan import Plan, Planner
from study.space.space import Space
from study.store.heartbeat import beating
from study.store.lock import alone
from study.store.requests import obeying
from study.store.store_use import in_use
from study.store.study_folder import StudyFolder
from study.study import open_study
from study.tables.best import best_report

SUCCESS, FAILURES = 0, 2


def launch_report(
    space: Space, console: Console | None, *, overrides: Sequence[str] = ()
) -> tuple[dict[str, Any], int]:
    """Run a study, or continue it: only what the store does not hold is computed.

    A finished study is launched without Ray, torch and Matplotlib. Ctrl-C, SIGTERM and
    ``study stop`` end it in good order.

    Args:
        space: the checked search space.
        console: where progress goes; None for silence.
        overrides: what the user changed of the space's file, for the record.

    Returns:
        Facts about the run, among them the failed items with their reasons, and the exit status: 2
        where some failed, 130 or 143 where a signal ended it.

    Raises:
        SD4MatchError: data, prompt files or weights are missing, another launch of this study runs,
            the preflight failed, or there is no room for results. What was computed is kept.
    """

    def say(text: str) -> None:
        if console is not None:
            console.print(text, markup=False)

    with stoppable() as stop:
        launched = _Launch(space, stop, say)
        try:
            summary = launched.run(console, overrides)
        except KeyboardInterrupt:
            say(f"stopped; {launched.so_far}; the same command continues")
            return launched.summary(ended="stopped"), stop.status
        return summary, FAILURES if summary["failures"] else SUCCESS


class _Launch:
    """One launch, from the plan to the figures."""

    def __init__(self, space: Space, stop: Stop, say: Callable[[str], None]) -> None:
        self._space = space
        self._stop = stop
        self._say = say
        self._started = time.monotonic()
        self._progress: Progress | None = None
        self._folder = StudyFolder.of(space)  # first: nothing is fetched if `results` is wrong

    @property
    def so_far(self) -> str:
        """How much of the study is computed, in words."""
        return self._progress.so_far if self._progress else "nothing has begun"

    def summary(self, **facts: Any) -> dict[str, Any]:
        """Facts about the run as JSON values."""
        seconds = round(time.monotonic() - self._started, 1)
        known = {"study": self._space.name, "results": self._folder.place, "seconds": seconds}
        done = self._progress.over if self._progress else (0, 0)
        return {**known, "done": done[0], "of": done[1], **facts}

    def run(self, console: Console | None, overrides: Sequence[str]) -> dict[str, Any]:
        """Compute what is pending, and write tables and figures."""
        space, folder, say = self._space, self._folder, self._say
        planner = Planner(space, fetch=True)
        planner.require_data()  # before weights are fetched for nothing
        plan = plan_of(space, planner)
        estimate, text = describe_plan(space, plan)
        say(text + "\n")
        progress = self._progress = Progress(space, folder.store, plan, estimate.work)
        purse = Purse(space.file.budget, folder.store, self._started)
        with contextlib.ExitStack() as around:
            around.enter_context(in_use(folder.store.folder))
            around.enter_context(alone(folder.path))
            sync = around.enter_context(synced(folder, self._stop.skipping))
            around.enter_context(obeying(folder.path))
            if folder.holds_another(space):
                kept = "all measurements are kept, tables are replaced"
                say(f"{folder.place} held another plan: {kept}")
            # Only now: it adds to what the launch before this one wrote last.
            record = Provenance(space, folder, command=sys.argv, overrides=overrides)
            record.over = lambda: progress.over
            listeners: list[Listener] = [Journal(folder), purse, progress, record, sync]
            around.enter_context(recorded(record))
            around.enter_context(beating(folder.path, progress.snapshot))
            if console is not None:
                live = animated(console)
                listeners.append(Lines(console, live=live))
                if live:
                    around.enter_context(shown(progress, console))

            def check() -> None:
                self._stop.check()
                purse.check()

            outcome = _compute(
                space, folder, planner, plan, estimate, Listeners(*listeners), purse.allows, check
            )
            ended = outcome.halted or (purse.spent if outcome.left else None)
            if ended:
                record.outcome = f"stopped: {ended}"
            progress.phase = WRITING
            study = open_study(folder.path)
            answers = update_answers(study)
            progress.phase = WRITTEN
        if not (outcome.done or outcome.failures or outcome.stopped or ended):
            say("all results were already computed")
        try:
            best, text = best_report(study, None)
        except SD4MatchError as error:  # no validation split, or all of it failed
            best, text = None, f"no best configuration: {error}"
        say(f"\n{text}\n")
        for reason in estimate.unanswerable:
            say(str(reason))
        say(f"results: {folder.place}")
        for kind in ("tables", "figures"):
            count = sum(file.parent.name == kind for file in answers.files)
            unchanged = "" if answers.written else ", unchanged"
            say(f"  {kind + ':':8} {count} files in {kind}/{unchanged}")
        if folder.tensorboard.is_dir():
            say(f"  curves:  tensorboard --logdir {folder.tensorboard}")
        if outcome.failures:
            say(f"{len(outcome.failures)} work items failed: see `study status {space.name}`")
        left = remaining(study) if ended else {}
        if ended:
            say(f"stopped, {ended}; {progress.so_far}; the same command continues")
            say("\n".join(remaining_lines(left)))
        return self.summary(
            ended=record.outcome,
            computed=outcome.done,
            unanswerable=[asdict(reason) for reason in estimate.unanswerable],
            failures=masked_values(outcome.failures),
            stopped=outcome.stopped,
            remaining=list(left),
            best=best,
        )


def _compute(
    space: Space,
    folder: StudyFolder,
    planner: Planner,
    plan: Plan,
    estimate: Estimate,
    listener: Listener,
    allows: Callable[[Work], bool],
    check: Callable[[], None],
) -> Outcome:
    """Compute what is pending; Ray is imported and started only if something is."""
    remove_abandoned(folder.path)
    stopped: dict[str, str] = {}
    spared: set[str] = set()
    if space.file.design == "search":
        from study.search.record import Endings
        from study.search.search import OptunaSearch

        endings = Endings()
        stopped, spared = endings.stopped, endings.spared
        plans = OptunaSearch(space, planner, folder, endings).plans()
    else:
        plans = iter([plan])
    written = _written(plans, space, folder)
    work = outstanding(written, folder.store, listener.event, listener.planned)
    first = next(filter(None, work), None)
    outcome = Outcome()
    if first is not None:
        from study.engine.run import launch

        folder.write_failures({})  # those of an earlier launch are tried again
        # On a GPU the node's memory is not what is short: `resources.gpus_per_trial` says how many
        # workers share one, and a batch that does not fit is halved.
        on_cpu = all(p.extraction.machine.device == "cpu" for p in plan.predicts.values())
        outcome = launch(
            chain([first], work),
            space,
            folder,
            listener,
            memory=estimate.worker_mb * 1e6 if on_cpu else 0.0,
            stopped=stopped,
            spared=spared,
            allows=allows,
            check=check,
        )
    folder.write_failures({**outcome.failures, **outcome.stopped})
    return outcome


def _written(plans: Iterable[Plan], space: Space, folder: StudyFolder) -> Iterator[Plan]:
    """The plans; each is in the folder, with those before it, before it runs."""
    together = Plan()
    for plan in plans:
        # Only now: a mistake in the space leaves no folder behind.
        folder.write_space(space)
        together.update(plan)
        folder.write_plan(together)
        yield plan
