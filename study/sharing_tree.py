"""What shares what in a plan, as a tree of bounded size."""

from collections.abc import Sequence

from rich.tree import Tree

from study.labels import several
from study.plan import Plan
from study.stages import Extraction, Predict

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
