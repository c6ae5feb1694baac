"""Work items: the remaining computations of each plan, and their outcomes.

A `Work` item is what one worker does in one go. `outstanding` turns plans into items; `preflight`
makes the item that tries a little of everything before the rest may start. Nothing here needs Ray:
a launch finds out whether there is work before it imports Ray.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal

from sd4match.matching.readout import Setting
from study.plan.plan import Plan
from study.plan.stages import PROMPT_OPTIONS, Extraction, Latents, Predict, Tune
from study.store.integrity import sweep
from study.store.retry import patiently
from study.store.store import Store

PREFLIGHT = "preflight"
"""Key of the item that `preflight` makes."""
VARIED = {"seed", *PROMPT_OPTIONS, "timestep", "kernel_size", "learning_rate", "steps"}
"""Settings of a tuning that do not change what a step needs."""


@dataclass(frozen=True)
class Work:
    """One trial for Ray: stages that one worker computes in one go.

    Attributes:
        kind: what is done; ``place`` is a node or a file that an event is about.
        key: names the item; other items' ``needs`` refer to it.
        label: for people.
        needs: keys of items that must be done first.
        settings: predict stage key to the readout settings that are not recorded yet.
    """

    kind: Literal["preflight", "latents", "tune", "predict", "place"]
    key: str
    label: str
    stages: tuple[Latents | Tune | Predict, ...]
    needs: tuple[str, ...] = ()
    settings: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict)


@dataclass
class Outcome:
    """What a launch did.

    Attributes:
        done: labels of the items that were computed.
        failures: key of each failed item to the reason.
        stopped: key of each tuning that was stopped early to the reason; these are no failures.
        halted: why what ran was ended before it was done; None if nothing was.
        left: how many items never began, because none of them was allowed to.
    """

    done: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    halted: str | None = None
    left: int = 0


OnEvent = Callable[[str, Work, str], None]
"""Called with (event, item, message): see `study.engine.work_queue.WorkQueue`."""
OnPlan = Callable[[Plan, list[Work]], None]
"""Called with each plan and its pending items."""


def outstanding(
    plans: Iterable[Plan], store: Store, on_event: OnEvent, on_plan: OnPlan
) -> Iterator[list[Work]]:
    """The pending items of each plan; a plan is taken when its items are asked for.

    Damaged files of the store are removed first: they count as not computed.

    Args:
        plans: one for a fixed design, one per generation for a search.
        store: where results are.
        on_event: called with ``damaged`` and each file that was removed.
        on_plan: called with each plan and its pending items.

    Yields:
        Items, those that others need first; an empty list where everything was computed already.

    Raises:
        SD4MatchError: the store is behind a URL and cannot be reached.
    """
    for plan in plans:
        patiently(store.pull_plan)(plan)
        for file in sweep(plan, store):
            place = Work("place", file.name, str(file), ())
            on_event("damaged", place, "removed, and computed again")
        items = pending(plan, store)
        on_plan(plan, items)
        yield items


def pending(plan: Plan, store: Store) -> list[Work]:
    """What the store does not hold yet, in the order in which it should start.

    Latents come first, then prompts (others wait for them), then predictions; a predict item is
    one extraction with all its splits (docs/explanation/architecture.md, idea 2).

    Args:
        plan: what is wanted.
        store: what was computed already.
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
    unmet = {work.key for work in (*latents, *tuning)}
    return [*latents, *(_needing(work, unmet) for work in (*tuning, *predicting))]


def _tune(tune: Tune) -> Work:
    size = int(tune.settings["image_size"])
    latents = (Latents.of(tune.machine, size, data) for data in (tune.train, tune.val))
    needs = tuple(part.key for part in chain.from_iterable(latents))
    return Work("tune", tune.key, tune.label, (tune,), needs)


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


def _needing(work: Work, unmet: Container[str]) -> Work:
    """The item without the needs that are met already."""
    return replace(work, needs=tuple(need for need in work.needs if need in unmet))


def preflight(items: Sequence[Work]) -> Work:
    """The item that tries what is about to run; everything else has to wait for it.

    Prompts do not change what a pass needs, and a learned one does not exist yet, so settings that
    differ in the prompt alone are tried once.

    Args:
        items: the pending items.
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
        PREFLIGHT,
        f"preflight: one pair through {len(predicts)} extraction and {len(tunes)} tuning settings",
        (*tunes.values(), *(stage for stage, _ in predicts.values())),
        settings={stage.key: tuple(settings) for stage, settings in predicts.values()},
    )
