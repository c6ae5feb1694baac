"""What ``study launch`` runs and prints, and the same facts for programs."""

import contextlib
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from sd4match.errors import SD4MatchError
from study.engine.listener import Listener, Listeners
from study.engine.run import launch
from study.launch.outputs import write_answers
from study.launch.plan_report import plan_of, plan_report
from study.launch.progress import Progress
from study.launch.provenance import Provenance, recorded
from study.launch.sync import kept
from study.launch.terminal import Lines, animated, shown
from study.plan.plan import Planner
from study.space.space import Space
from study.store.heartbeat import beating
from study.store.lock import alone
from study.store.study_folder import StudyFolder
from study.study import open_study
from study.tables.best import best_report


def launch_report(
    space: Space, planner: Planner, console: Console | None, *, overrides: Sequence[str] = ()
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Run a study and tell about it.

    Args:
        space, planner: what to run.
        console: where progress goes; None for silence.
        overrides: what the user changed of the space's file, for the record.

    Returns:
        Facts about the run, and the failed items with their reasons.
    """

    def say(text: str) -> None:
        if console is not None:
            console.print(text, markup=False)

    started = time.monotonic()
    planner.require_data()  # before weights are fetched for nothing
    plan = plan_of(space, planner)
    numbers, text = plan_report(space, plan)
    say(text + "\n")
    folder = StudyFolder.of(space)
    progress = Progress(space, folder.store, plan, numbers.work)
    with contextlib.ExitStack() as around:
        around.enter_context(alone(folder.path))
        keeping = around.enter_context(kept(folder))
        if folder.holds_another(space):
            say(f"{folder.place} held another plan: no measurement is lost, tables are replaced")
        # Only now: it adds to what the launch before this one wrote last.
        record = Provenance(space, folder, command=sys.argv, overrides=overrides)
        listeners: list[Listener] = [progress, record, keeping]
        around.enter_context(recorded(record))
        around.enter_context(beating(folder.path, progress.snapshot))
        if console is not None:
            live = animated(console)
            listeners.append(Lines(console, live=live))
            if live:
                around.enter_context(shown(progress, console))
        outcome = launch(space, planner, Listeners(*listeners))
        progress.phase = "writing tables and figures"
        study = open_study(folder.path)
        files = write_answers(study)
    if not (outcome.done or outcome.failures or outcome.stopped):
        say("nothing to compute: the store holds every result of this study")
    try:
        best, text = best_report(study, None)
    except SD4MatchError as error:  # no validation split, or all of it failed
        best, text = None, f"no best configuration: {error}"
    say(f"\n{text}\n")
    say(f"results: {study.folder.place}")
    say(f"  tables:  {len([f for f in files if f.parent.name == 'tables'])} files in tables/")
    say(f"  figures: {len([f for f in files if f.parent.name == 'figures'])} files in figures/")
    if folder.tensorboard.is_dir():
        say(f"  curves:  tensorboard --logdir {folder.tensorboard}")
    if outcome.failures:
        say(f"{len(outcome.failures)} work items failed: see `study status {space.name}`")
    summary = {
        "study": space.name,
        "results": study.folder.place,
        "seconds": round(time.monotonic() - started, 1),
        "computed": outcome.done,
        "failures": outcome.failures,
        "stopped": outcome.stopped,
        "best": best,
    }
    return summary, outcome.failures
