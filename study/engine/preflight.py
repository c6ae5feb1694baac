"""One pair through every distinct extraction and tuning setting, before anything fans out."""

from collections.abc import Sequence
from dataclasses import replace

from study.engine.work import Work
from study.stages import PROMPT_OPTIONS, Predict, Setting, Tune

KEY = "preflight"
VARIED = {"seed", *PROMPT_OPTIONS, "timestep", "kernel_size", "learning_rate", "steps"}
"""Settings of a tuning that do not change what a step needs."""


def preflight(items: Sequence[Work]) -> Work:
    """The work item that tries what is about to run; everything else has to wait for it.

    Prompts do not change what a pass needs, and a learned one is not there yet, so settings that
    differ in the prompt alone are tried once.

    Args:
        items: the pending work.
    """
    tunes: dict[object, Tune] = {}
    predicts: dict[object, tuple[Predict, dict[Setting, None]]] = {}
    for item in items:
        for stage in item.stages:
            if isinstance(stage, Tune):
                shape = {k: v for k, v in stage.settings.items() if k not in VARIED}
                tunes.setdefault((stage.machine, *shape.items()), stage)
            elif isinstance(stage, Predict):
                anonymous = replace(stage.extraction, prompt="", template=None, tuned=False, seed=0)
                _, settings = predicts.setdefault(anonymous, (stage, {}))
                settings.update(dict.fromkeys(item.settings[stage.key]))
    return Work(
        "preflight",
        KEY,
        f"preflight: one pair through {len(predicts)} extraction and {len(tunes)} tuning settings",
        (*tunes.values(), *(stage for stage, _ in predicts.values())),
        settings={stage.key: tuple(settings) for stage, settings in predicts.values()},
    )
