"""Work items: what is still to be computed of a plan, and what must be done before it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Literal

from study.plan.stages import PROMPT_OPTIONS, Extraction, Latents, Predict, Setting, Tune
from study.store.store import Store

if TYPE_CHECKING:
    from study.plan.plan import Plan


@dataclass(frozen=True)
class Work:
    """One trial for Ray: stages that one worker does in one go.

    Attributes:
        kind: what is done; ``place`` is a node or a file that an event tells of.
        key: names the item; other items' ``needs`` refer to it.
        label: for people.
        needs: keys of items that must be done first.
        settings: predict stage key to the free settings that are not on record yet.
    """

    kind: Literal["preflight", "latents", "tune", "predict", "place"]
    key: str
    label: str
    stages: tuple[Latents | Tune | Predict, ...]
    needs: tuple[str, ...] = ()
    settings: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict)


def pending(plan: "Plan", store: Store) -> list[Work]:
    """What the store does not hold yet, in the order in which it should start.

    Latents come first, then prompts (others wait for them), then predictions; a predict trial is
    one extraction with all its splits (docs/explanation/architecture.md, idea 2).
    """
    stored = store.stored(plan)
    tuning = [_tune(tune) for key, tune in plan.tunes.items() if key not in stored.tunes]
    predicting = []
    for extraction, stages in plan.extractions.values():
        wanted = {stage: stored.missing(plan, stage) for stage in stages}
        left = {stage: settings for stage, settings in wanted.items() if settings}
        if left:
            predicting.append(_predict(extraction, left))
    needed = {need for work in (*tuning, *predicting) for need in work.needs}
    latents = [
        Work("latents", key, stage.label, (stage,))
        for key, stage in plan.latents.items()
        if key in needed and key not in stored.latents
    ]
    # A need that is met already is no need.
    unmet = {work.key for work in (*latents, *tuning)}
    return [
        *latents,
        *(_needing(work, unmet) for work in (*tuning, *predicting)),
    ]


def _tune(tune: Tune) -> Work:
    size = int(tune.settings["image_size"])
    latents = (Latents.of(tune.machine, size, data) for data in (tune.train, tune.val))
    return Work(
        "tune",
        tune.key,
        tune.label,
        (tune,),
        needs=tuple(part.key for part in chain.from_iterable(latents)),
    )


def _predict(extraction: Extraction, left: Mapping[Predict, tuple[Setting, ...]]) -> Work:
    machine, size = extraction.machine, extraction.image_size
    latents = (Latents.of(machine, size, stage.data) for stage in left)
    needs = [part.key for part in chain.from_iterable(latents)]
    return Work(
        "predict",
        extraction.key,
        extraction.label,
        tuple(left),
        needs=(*needs, *([extraction.prompt] if extraction.tuned else [])),
        settings={stage.key: settings for stage, settings in left.items()},
    )


def _needing(work: Work, unmet: Iterable[str]) -> Work:
    needs = tuple(need for need in work.needs if need in unmet)
    return Work(work.kind, work.key, work.label, work.stages, needs, work.settings)


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
