"""What ``study plan`` prints, and the same facts for programs."""

import os
from collections.abc import Iterator, Sequence

import torch
from rich.tree import Tree
from tabulate import tabulate

from study.plan.estimates import Estimate, estimate
from study.plan.plan import Plan, Planner
from study.plan.stages import Extraction, Predict
from study.plan.stored import Reuse
from study.space import labels
from study.space.designs import configurations
from study.space.labels import several
from study.space.space import Space
from study.store.study_folder import StudyFolder


def plan_of(space: Space, planner: Planner) -> Plan:
    """The plan of a space's design.

    A search proposes on validation and reports its winner; as many points as it will propose stand
    for those that it will (`study.space.designs.search`).
    """
    if space.file.design != "search":
        return planner.plan(configurations(space))
    proposed = list(configurations(space))
    plan = planner.plan(proposed, splits=("val",))
    plan.update(planner.plan([space.baseline, proposed[-1]]))
    return plan


def plan_report(space: Space, plan: Plan) -> tuple[Estimate, str]:
    """What a plan would run, in numbers and in words."""
    store = StudyFolder.store_of(space)
    store.pull_plan(plan)
    store.timings.pull()
    numbers = estimate(plan, store.stored(plan), space.rule)
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
        ("memory a worker, about", f"{numbers.worker_mb:,.0f} MB", "", ""),
    ]  # fmt: skip
    lines = [
        f"study {space.name}: {_design(space)}, fidelity: {space.fidelity}",
        f"baseline: {labels.settings(space.baseline.as_dict)}",
        *(f"axis {name}: {labels.values(v)}" for name, v in space.axes.items()),
        "",
        tabulate(rows, headers=["", "shared", "one by one", "in the store"], tablefmt="simple",
                 colalign=("left", "right", "right", "right"), disable_numparse=True),
        "",
        _saving(numbers),
        *_reuse(numbers.predictions),
        *_time(space, numbers),
    ]  # fmt: skip
    if numbers.absent:
        lines.append(f"not here, planned from published figures: {'; '.join(numbers.absent)}")
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
        f"{numbers.tflop_alone / numbers.tflop:.1f} times less than one configuration at a time"
    )


def _reuse(predictions: Reuse) -> Iterator[str]:
    """What becomes of what is there; nothing to say where nothing is."""
    if predictions.scored or predictions.rescored or predictions.again:
        yield str(predictions)


ASSUMED = 10  # TFLOP/s, for an example where nothing was measured


def _time(space: Space, numbers: Estimate) -> Iterator[str]:
    """Device time and, where the workers are known, time on the clock."""
    if not numbers.tflop_left:
        yield "time: none, the store holds everything"
        return
    if numbers.duration is None:
        hours = _clock(numbers.tflop_left / ASSUMED)
        yield (
            "time: unknown, nothing was timed on such a device yet: --time does; if one worker "
            f"did {ASSUMED} TFLOP/s (an assumption, not a measurement), {hours}"
        )
        return
    low, high = numbers.duration.low, numbers.duration.high
    wanted, device = space.file.resources, "GPU" if _on_gpu(space) else "CPU"
    cores = (wanted.gpus_per_trial or 1) if _on_gpu(space) else wanted.cpus_per_trial
    yield (
        f"time: {_hours(low * cores)} to {_hours(high * cores)} {device}-hours "
        f"({numbers.duration.source}); {_clock(low)} to {_clock(high)} on one worker"
    )
    if space.file.cluster.address == "local" and (workers := _workers(space)) > 1:
        yield f"  {_clock(low / workers)} to {_clock(high / workers)} on the {workers} workers here"


def _on_gpu(space: Space) -> bool:
    wanted = space.file.resources.gpus_per_trial
    return wanted > 0 if wanted is not None else torch.cuda.is_available()


def _workers(space: Space) -> int:
    """How many trials this machine runs at a time."""
    wanted = space.file.resources
    by_cores = (os.cpu_count() or 1) // wanted.cpus_per_trial
    if not _on_gpu(space):
        return by_cores
    return min(by_cores, int(torch.cuda.device_count() / (wanted.gpus_per_trial or 1)))


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2g}" if seconds < 36_000 else f"{seconds / 3600:,.0f}"


def _clock(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{_hours(seconds)} h"


MOST = 6
"""Branches shown at a place; the rest is counted."""


def sharing_tree(plan: Plan) -> Tree:
    """Latents, the prompts that are learned on them, the trials of each, and what these answer."""
    root = Tree("what shares what")
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


def _prompt(plan: Plan, extraction: Extraction) -> str:
    if extraction.tuned:
        tune = plan.tunes[extraction.prompt]
        # The label leaves out what most tunings have in common; two prompts need two names.
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
        f"pass over {splits} gives {several(len(settings), 'free setting')}, "
        f"{several(max(answers[stage.key] for stage in stages), 'configuration')}"
    )


def _more(branch: Tree, count: int, what: str) -> None:
    if count > 0:
        branch.add(f"… and {count:,} more {what}")
