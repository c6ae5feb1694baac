"""The report of ``study plan``: what would run, what is already computed, what shares work."""

import os
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.tree import Tree
from tabulate import tabulate

from study.launch.budget import forecast
from study.plan.estimates import Estimate, estimate
from study.plan.plan import Plan, Planner
from study.plan.stages import Extraction, Predict
from study.plan.stored import Reuse
from study.space import labels
from study.space.designs import configurations
from study.space.labels import clock, several
from study.space.space import Space
from study.store.study_folder import StudyFolder

WIDEST = 1_000
"""Columns of a line in a file: more than any line has."""
MOST = 6
"""Branches of the tree that are shown at a place; the rest is counted."""


def plan_of(space: Space, planner: Planner) -> Plan:
    """The plan of a space's design.

    A search chooses its points while it runs, so random points stand for them, as many as it will
    propose (`study.space.designs.search`).

    Args:
        space: the checked search space.
        planner: of this space.

    Raises:
        SD4MatchError: see `study.plan.plan.Planner.plan`.
    """
    if space.file.design != "search":
        return planner.plan(configurations(space))
    proposed = list(configurations(space))
    plan = planner.plan(proposed, splits=("val",))
    plan.update(planner.plan([space.baseline, proposed[-1]]))
    return plan


def preview(space: Space, *, timed: bool = False) -> tuple[Plan, Estimate, str]:
    """Plan a space and count what would run; nothing is fetched unless a pass is timed.

    Args:
        space: the checked search space.
        timed: time one pass of each backbone first; the store keeps the time.

    Raises:
        SD4MatchError: ``results`` is wrong, the space cannot be planned, or weights for a timed
            pass are missing.
    """
    store = StudyFolder.store_of(space)  # first: nothing is fetched if `results` is wrong
    plan = plan_of(space, Planner(space, fetch=timed))
    if timed:
        from study.engine.timing import time_passes  # needs torch

        time_passes(plan, store)
    return plan, *describe_plan(space, plan)


def describe_plan(space: Space, plan: Plan) -> tuple[Estimate, str]:
    """What a plan would run, in numbers and in words.

    Args:
        space: the checked search space.
        plan: of its design, see `plan_of`.

    Raises:
        SD4MatchError: results are behind a URL that cannot be reached.
    """
    store = StudyFolder.store_of(space)
    store.pull_plan(plan)
    store.timings.pull()
    stored, rates = store.stored(plan, scores=True), store.timings.rates(plan.machines)
    numbers = estimate(plan, stored, space.rule, rates)
    rows = [
        ("configurations", f"{numbers.configurations:,}", "", ""),
        ("trials (prompt × extraction)", f"{numbers.trials:,}", f"{numbers.trials_alone:,}",
         f"{numbers.stored_trials:,}"),
        ("prompts to tune", f"{numbers.tunings:,}", f"{numbers.tunings_alone:,}",
         f"{numbers.stored_tunings:,}"),
        ("UNet passes, prediction", f"{numbers.passes:,}", f"{numbers.passes_alone:,}", ""),
        ("UNet passes, tuning", f"{numbers.tuning_passes:,}", "", ""),
        ("VAE encodings", f"{numbers.encodes:,}", f"{numbers.encodes_alone:,}", ""),
        ("TFLOP", _amount(numbers.tflop), _amount(numbers.tflop_alone),
         _amount(max(numbers.tflop - numbers.tflop_left, 0))),
        ("disk, at most", f"{numbers.disk_mb:,.0f} MB", "", ""),
        ("memory of a worker, about", f"{numbers.worker_mb:,.0f} MB", "", ""),
    ]  # fmt: skip
    headers = ["", "shared", "without sharing", "already computed"]
    lines = [
        f"study {space.name}: {_design(space)}, fidelity: {space.fidelity}",
        f"baseline: {labels.settings(space.baseline.as_dict)}",
        *(f"axis {name}: {labels.values(v)}" for name, v in space.axes.items()),
        "",
        tabulate(rows, headers=headers, tablefmt="simple",
                 colalign=("left", "right", "right", "right"), disable_numparse=True),
        "",
        _saving(numbers),
        *_reuse(numbers.predictions),
        *_time(space, numbers),
        *_budget(space, numbers),
    ]  # fmt: skip
    lines += map(str, numbers.unanswerable)
    if numbers.absent:
        lines.append(f"missing here, planned from published figures: {'; '.join(numbers.absent)}")
    return numbers, "\n".join(lines)


def _design(space: Space) -> str:
    file = space.file
    if file.design == "search":
        count = "all" if file.search.sampler == "grid" else str(file.search.samples)
        by = ", ".join(file.search.objectives) or space.metric
        return f"search, {count} points of the paid axes by {by}"
    if file.design == "factorial" and file.factorial.fraction < 1:
        return (
            f"factorial, {file.factorial.fraction:.3g} of the combinations of the paid axes, "
            f"drawn by seed {file.factorial.seed}"
        )
    return file.design


def _amount(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}"


def _saving(numbers: Estimate) -> str:
    if not numbers.tflop:
        return "nothing to compute"
    return (
        f"sharing saves {1 - numbers.tflop / numbers.tflop_alone:.0%} of the work: "
        f"{numbers.tflop_alone / numbers.tflop:.1f} times less than without sharing"
    )


def _reuse(predictions: Reuse) -> Iterator[str]:
    """What is reused of earlier results; nothing where there are none."""
    if predictions.scored or predictions.rescored or predictions.again:
        yield str(predictions)


def _time(space: Space, numbers: Estimate) -> Iterator[str]:
    """Device time and, where the workers are known, time on the clock."""
    if not numbers.tflop_left:
        yield "time: none, all results are already computed"
        return
    if numbers.duration is None:
        yield "time: unknown, nothing was timed on such a device yet: --time times a pass"
        return
    low, high = numbers.duration.low, numbers.duration.high
    wanted, device = space.file.resources, "GPU" if _on_gpu(numbers) else "CPU"
    cores = (wanted.gpus_per_trial or 1) if _on_gpu(numbers) else wanted.cpus_per_trial
    yield (
        f"time: {_hours(low * cores)} to {_hours(high * cores)} {device}-hours "
        f"({numbers.duration.source}); {clock(low)} to {clock(high)} on one worker"
    )
    if space.file.cluster.address == "local" and (workers := _workers(space, numbers)) > 1:
        yield f"  {clock(low / workers)} to {clock(high / workers)} on the {workers} workers here"


def _on_gpu(numbers: Estimate) -> bool:
    return any(machine.device == "cuda" for machine, _ in numbers.work)


def _workers(space: Space, numbers: Estimate) -> int:
    """How many trials this machine runs at a time."""
    wanted = space.file.resources
    by_cores = (os.cpu_count() or 1) // wanted.cpus_per_trial
    if not _on_gpu(numbers):
        return by_cores
    from study.engine.machine import gpus  # asks torch

    return min(by_cores, int(len(gpus()) / (wanted.gpus_per_trial or 1)))


def _budget(space: Space, numbers: Estimate) -> list[str]:
    """How much of the work the budget pays for; nothing where there is no budget."""
    budget = space.file.budget
    here = budget.hours is not None and space.file.cluster.address == "local"
    return forecast(budget, numbers, max(1, _workers(space, numbers)) if here else None)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2g}" if seconds < 36_000 else f"{seconds / 3600:,.0f}"


def sharing_tree(plan: Plan) -> Tree:
    """Which results share which work: latents, the prompts that read them, the trials of each.

    Args:
        plan: of a study.

    Returns:
        A tree of at most `MOST` prompts with at most `MOST` trials each.
    """
    root = Tree("shared work")
    images = sum(stage.images for stage in plan.latents.values())
    root.add(f"latents of {images:,} images, encoded once for all below")

    answers = dict.fromkeys(plan.predicts, 0)
    for cell in plan.cells:
        if not cell.missing:
            answers[cell.predict.key] += 1
    by_prompt: dict[str, list[tuple[Extraction, list[Predict]]]] = {}
    for extraction, stages in plan.extractions.values():
        by_prompt.setdefault(_prompt(plan, extraction), []).append((extraction, stages))
    for number, (prompt, trials) in enumerate(by_prompt.items()):
        if number == MOST:
            _more(root, len(by_prompt) - MOST, "prompts")
            break
        branch = root.add(f"{prompt}: {several(len(trials), 'trial')}")
        for extraction, stages in trials[:MOST]:
            branch.add(_trial(plan, extraction, stages, answers))
        _more(branch, len(trials) - MOST, "trials")
    return root


def print_tree(plan: Plan) -> None:
    """Print the tree of shared work in full width, also where there is no terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:  # which Rich takes for 80 columns wide, and cuts
        console = Console(width=WIDEST, highlight=False)
    console.print(sharing_tree(plan), soft_wrap=False)


def _prompt(plan: Plan, extraction: Extraction) -> str:
    if extraction.tuned:
        tune = plan.tunes[extraction.prompt]
        # The label leaves out what most tunings have in common; here two prompts need two names.
        return f"{tune.label}, t={tune.settings['timestep']} layer={tune.settings['layer']}" + (
            f" seed={tune.settings['seed']} ({tune.key[:6]})"
        )
    if extraction.file:
        return f"file {extraction.file.path}"
    return f"{extraction.prompt} {extraction.template or ''}".strip()


def _trial(
    plan: Plan, extraction: Extraction, stages: Sequence[Predict], answers: dict[str, int]
) -> str:
    settings = {setting for stage in stages for setting in plan.settings[stage.key]}
    splits = ", ".join(f"{stage.data.dataset} {stage.data.split}" for stage in stages)
    fused = " +dino" if extraction.fused_with else ""
    return (
        f"t={extraction.timestep} E={extraction.ensemble} {extraction.image_size} px{fused}: one "
        f"pass over {splits} answers {several(len(settings), 'readout setting')} "
        f"({several(max(answers[stage.key] for stage in stages), 'configuration')})"
    )


def _more(branch: Tree, count: int, what: str) -> None:
    if count > 0:
        branch.add(f"… and {count:,} more {what}")
