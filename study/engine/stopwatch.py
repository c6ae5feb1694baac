"""How long stages take, kept for the estimates of later plans."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sd4match.prompts import read_header
from study import speed
from study.cost import Costs, extracted
from study.stages import Latents, Predict, Setting, Tune
from study.store import Store


@contextmanager
def timed(
    store: Store, stage: Latents | Tune | Predict, settings: Sequence[Setting]
) -> Iterator[None]:
    """Time what is done in the block; a stage that fails, or goes on, says nothing.

    Args:
        store: keeps the time.
        stage: what is done.
        settings: the free settings that are read from a prediction.
    """
    continued = isinstance(stage, Tune) and store.checkpoint(stage.key).exists()
    started = time.perf_counter()
    yield
    seconds = time.perf_counter() - started
    if continued:
        return
    costs = Costs()
    if isinstance(stage, Tune):
        kind, machine, flop = "tune", stage.machine, costs.tune(stage)
    elif isinstance(stage, Latents):
        kind, machine = "latents", stage.machine
        flop = costs.encode(machine, stage.image_size, stage.images)
    else:
        kind, machine = "predict", stage.extraction.machine
        images = extracted(stage.data, _source(store, stage))
        flop = costs.predict(stage, layer=max(layer for layer, _ in settings), images=images)
    speed.record(store, machine, kind, key=stage.key, tflop=flop / 1e12, seconds=seconds)


def _source(store: Store, stage: Predict) -> str | None:
    """What a cpm prompt reads; it decides how many images are extracted."""
    extraction = stage.extraction
    if extraction.file:
        return extraction.file.source
    if not extraction.tuned:
        return None
    source: str | None = read_header(store.prompt(extraction.prompt))["config"].get("source")
    return source
