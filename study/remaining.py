"""What of a plan the store does not hold yet, and how much work that is."""

from collections import defaultdict
from collections.abc import Mapping

from study.cost import Costs
from study.plan import Plan, latents_of
from study.reuse import Recorded
from study.stages import Machine
from study.store import Store

Work = dict[tuple[Machine, str], float]
"""TFLOP by the machine that does it and the kind of stage."""


def remaining(plan: Plan, store: Store, records: Recorded) -> dict[str, int]:
    """The stages that must run.

    Args:
        plan, store: what is wanted, and what is there.
        records: see `study.reuse.recorded`.

    Returns:
        Keys of tunings and predictions -> the deepest layer that is wanted (0 for a tuning).
    """
    left = {key: 0 for key in plan.tunes if not store.prompt(key).exists()}
    for key in plan.predicts:
        wanted = [setting for setting in plan.settings[key] if setting not in records[key]]
        if wanted:
            left[key] = max(layer for layer, _ in wanted)
    return left


def work_of(
    plan: Plan, store: Store, left: Mapping[str, int], costs: Costs, images: Mapping[str, int]
) -> Work:
    """The operations of what is left.

    Args:
        plan, store: see `remaining`.
        left: see `remaining`.
        costs: counts them.
        images: predict stage key -> how many images are extracted.

    Returns:
        TFLOP; the latents that these stages wait for are part of it.
    """
    work: Work = defaultdict(float)
    tunes = [plan.tunes[key] for key in left if key in plan.tunes]
    predicts = [plan.predicts[key] for key in left if key in plan.predicts]
    for tune in tunes:
        work[tune.machine, "tune"] += costs.tune(tune) / 1e12
    for stage in predicts:
        flop = costs.predict(stage, layer=left[stage.key], images=images[stage.key])
        work[stage.extraction.machine, "predict"] += flop / 1e12
    for key, latents in latents_of(tunes, predicts).items():
        if not store.latents_mark(key).exists():
            flop = costs.encode(latents.machine, latents.image_size, latents.images)
            work[latents.machine, "latents"] += flop / 1e12
    return dict(work)
