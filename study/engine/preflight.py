"""One pair through every distinct extraction setting, before anything fans out."""

from collections.abc import Iterable
from dataclasses import replace

import ray

from sd4match import prompts
from sd4match.errors import SD4MatchError
from study.engine.execute import Workshop
from study.engine.work import Work
from study.scoring import Rule
from study.stages import Extraction, Predict, Setting, Tune
from study.store import Store


def preflight(work: Iterable[Work], store: Store, rule: Rule, *, cpus: float, gpus: float) -> int:
    """Try what is about to run, on one worker with a trial's resources.

    Args:
        work: the pending items.
        store: the study's store; nothing but the pair's latents is written.
        rule: how the study scores.
        cpus, gpus: a trial's resources.

    Returns:
        How many distinct settings were tried.

    Raises:
        SD4MatchError: the first setting that fails, with the reason.
    """
    trials = _distinct(work)
    if trials:
        task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(_try_all)
        try:
            reason = ray.get(task.remote(trials, str(store.folder), rule))
        except ray.exceptions.RayError as error:
            reason = f"the worker died: {str(error).strip().splitlines()[0]}"
        if reason:
            raise SD4MatchError(f"preflight: {reason}; nothing was started")
    return len(trials)


Trial = tuple[Predict | Tune, tuple[Setting, ...]]


def _distinct(work: Iterable[Work]) -> list[Trial]:
    """One stage for each distinct tuning and extraction setting, whatever prompt and data."""
    found: dict[object, Trial] = {}
    for item in work:
        for stage in item.stages:
            if isinstance(stage, Tune):
                found.setdefault((stage.machine, *_shape(stage)), (stage, ()))
            elif isinstance(stage, Predict):
                # The prompt's content does not change the pass; a learned one is not there yet.
                anonymous = replace(stage.extraction, prompt="", tuned=False, seed=0)
                settings = item.settings[stage.key]
                known = found.get(anonymous, (stage, ()))[1]
                found[anonymous] = (stage, tuple(dict.fromkeys((*known, *settings))))
    return list(found.values())


def _shape(tune: Tune) -> tuple[object, ...]:
    return tuple(tune.settings[name] for name in ("family", "image_size", "layer", "batch_size"))


def _try_all(trials: list[Trial], folder: str, rule: Rule) -> str:
    """Run in a worker; returns the reason of the first failure, or nothing."""
    workshop = Workshop(Store(folder), rule)
    for stage, settings in trials:
        try:
            if isinstance(stage, Tune):
                workshop.try_tune(stage)
            else:
                backbone = workshop.backbone(stage.extraction.machine)
                pairs = stage.data.open()
                if len(pairs):
                    prompt = prompts.create("empty", backbone)
                    workshop.positions(stage, settings, prompt, pairs=pairs.subset([0]))
        except Exception as error:
            what = stage.extraction if isinstance(stage, Predict) else stage
            return f"{_name(what)}: {type(error).__name__}: {error}".replace("\n", " ")
    return ""


def _name(stage: Extraction | Tune) -> str:
    if isinstance(stage, Tune):
        settings = stage.settings
        return f"tuning {settings['family']} at t={settings['timestep']} layer {settings['layer']}"
    return f"extraction at t={stage.timestep} E={stage.ensemble} {stage.image_size} px"
