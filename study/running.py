"""What ``study launch`` prints, and the same facts for programs."""

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from sd4match.errors import SD4MatchError
from study.asking import best_report
from study.engine.launch import last_line, launch
from study.engine.work import Work
from study.folder import StudyFolder
from study.plan import Planner
from study.plan_report import plan_of, plan_report
from study.space import Space
from study.study import open_study


def launch_report(
    space: Space, planner: Planner, console: Console | None
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Run a study and tell about it.

    Args:
        space, planner: what to run.
        console: where progress goes; None for silence.

    Returns:
        Facts about the run, and the failed items with their reasons.
    """

    def say(text: str) -> None:
        if console is not None:
            console.print(text, markup=False)

    started = time.monotonic()
    done = 0

    def on_event(event: str, work: Work, message: str) -> None:
        nonlocal done
        clock = f"{time.monotonic() - started:6.0f} s"
        if event == "start" and work.kind == "preflight":
            say(f"{clock}  {work.label}")
        elif event == "done" and work.kind != "preflight":
            done += 1
            say(f"{clock}  done {done:3d}  {work.label}")
        elif event == "failed" and work.kind != "preflight":
            say(f"{clock}  FAILED    {work.label}: {last_line(message)}")
        elif event in ("stopped", "retry", "note", "slow", "damaged", "lost", "joined"):
            say(f"{clock}  {event:9} {work.label}: {message}")

    planner.require_data()  # before weights are fetched for nothing
    _, text = plan_report(space, plan_of(space, planner))
    say(text + "\n")
    folder = StudyFolder.of(space)
    if folder.holds_another(space):
        say(f"{folder.path} held another plan: its tables are replaced, no measurement is lost")
    outcome = launch(space, planner, on_event)
    study = open_study(folder.path)
    files = study.write_answers()
    if not (outcome.done or outcome.failures or outcome.stopped):
        say("nothing to compute: the store holds every result of this study")
    try:
        best, text = best_report(study, None)
    except SD4MatchError as error:  # no validation split, or all of it failed
        best, text = None, f"no best configuration: {error}"
    say(f"\n{text}\n")
    say(f"results: {study.folder.path}")
    say(f"  tables:  {len([f for f in files if f.parent.name == 'tables'])} files in tables/")
    say(f"  figures: {len([f for f in files if f.parent.name == 'figures'])} files in figures/")
    if outcome.failures:
        say(f"{len(outcome.failures)} work items failed: see `study status {space.name}`")
    summary = {
        "study": space.name,
        "results": str(study.folder.path),
        "seconds": round(time.monotonic() - started, 1),
        "computed": outcome.done,
        "failures": outcome.failures,
        "stopped": outcome.stopped,
        "best": best,
    }
    return summary, outcome.failures
