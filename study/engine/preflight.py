"""One pair through every distinct extraction and tuning setting, before anything fans out."""

from collections.abc import Sequence
from dataclasses import replace

from study.engine.work import Work
from study.stages import PROMPT_OPTIONS, Predict, Setting, Tune

KEY = "preflight"
VARIED = {"seed", *PROMPT_OPTIONS, "timestep", "kernel_size", "learning_rate", "steps"}
"""Settings of a tuning that do not change what a step needs."""


def preflight(items: Sequence[Work], tried: set[object]) -> Work | None:
    """The work item that tries what is about to run; everything else has to wait for it.

    Prompts do not change what a pass needs, and a learned one is not there yet, so settings that
    differ in the prompt alone are tried once.

    Args:
        items: the pending work.
        tried: settings that an earlier preflight tried; those of this one are added.

    Returns:
        The item; None when all was tried before.
    """
    tunes: dict[object, Tune] = {}
    predicts: dict[object, tuple[Predict, dict[Setting, None]]] = {}
    for item in items:
        for stage in item.stages:
            if isinstance(stage, Tune):
                shape = {k: v for k, v in stage.settings.items() if k not in VARIED}
                if (kind := (stage.machine, *shape.items())) not in tried:
                    tunes.setdefault(kind, stage)
            elif isinstance(stage, Predict):
                anonymous = replace(stage.extraction, prompt="", template=None, tuned=False, seed=0)
                if anonymous not in tried:
                    _, settings = predicts.setdefault(anonymous, (stage, {}))
                    settings.update(dict.fromkeys(item.settings[stage.key]))
    if not (tunes or predicts):
        return None
    tried.update(tunes, predicts)
    return Work(
        "preflight",
        KEY,
        f"preflight: one pair through {len(predicts)} extraction and {len(tunes)} tuning settings",
        (*tunes.values(), *(stage for stage, _ in predicts.values())),
        settings={stage.key: tuple(settings) for stage, settings in predicts.values()},
    )
