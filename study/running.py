"""What ``study plan`` and ``study launch`` print, and the same facts for programs."""

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from tabulate import tabulate

from sd4match.errors import SD4MatchError
from study import labels
from study.asking import best_report
from study.engine.launch import last_line, launch
from study.engine.work import Work
from study.estimate import Estimate, estimate
from study.folder import StudyFolder
from study.plan import Planner
from study.space import Space
from study.study import open_study


def plan_report(space: Space, planner: Planner) -> tuple[Estimate, str]:
    """What a space would run, in numbers and in words.

    A search is planned as its whole space: an upper bound, and what a sampler chooses from.
    """
    plan = planner.plan(space.configurations())
    numbers = estimate(plan, planner, StudyFolder.store_of(space))
    rows = [
        ("configurations", f"{numbers.configurations:,}", "", ""),
        ("trials (prompt × extraction)", f"{numbers.trials:,}", f"{numbers.trials_alone:,}",
         f"{numbers.stored_trials:,}"),
        ("prompts to tune", f"{numbers.tunings:,}", f"{numbers.tunings_alone:,}",
         f"{numbers.stored_tunings:,}"),
        ("UNet passes, prediction", f"{numbers.passes:,}", f"{numbers.passes_alone:,}", ""),
        ("UNet passes, tuning", f"{numbers.tuning_passes:,}", "", ""),
        ("VAE encodings", f"{numbers.encodes:,}", f"{numbers.encodes_alone:,}", ""),
        ("TFLOP", _amount(numbers.tflop), _amount(numbers.tflop_alone), ""),
        ("disk, at most", f"{numbers.disk_mb:,.0f} MB", "", ""),
    ]  # fmt: skip
    lines = [
        f"study {space.name}: {space.file.design}, fidelity: {space.fidelity}",
        f"baseline: {labels.settings(space.baseline.as_dict)}",
        *(f"axis {name}: {', '.join(map(labels.value, v))}" for name, v in space.axes.items()),
        "",
        tabulate(rows, headers=["", "shared", "one by one", "in the store"], tablefmt="simple",
                 colalign=("left", "right", "right", "right"), disable_numparse=True),
        "",
        _saving(numbers),
    ]  # fmt: skip
    if space.file.design == "search":
        search = space.file.search
        by = ", ".join(search.objectives) or space.metric
        lines.append(
            f"search: grid takes every point of the paid axes, by {by}"
            if search.sampler == "grid"
            else f"search: {search.sampler} proposes {search.samples} points of "
            f"the paid axes by {by}; the table is the whole space, of which it runs a part"
        )
    if numbers.absent:
        lines.append(f"not here, planned from published figures: {'; '.join(numbers.absent)}")
    return numbers, "\n".join(lines)


def _amount(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}"


def _saving(numbers: Estimate) -> str:
    if not numbers.tflop:
        return "nothing to compute"
    return (
        f"sharing saves {1 - numbers.tflop / numbers.tflop_alone:.0%} of the work: "
        f"{numbers.tflop_alone / numbers.tflop:.1f} times less than one configuration at a time"
    )


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
        elif event == "stopped":
            say(f"{clock}  stopped   {work.label}: {message}")

    planner.require_data()  # before weights are fetched for nothing
    _, text = plan_report(space, planner)
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
