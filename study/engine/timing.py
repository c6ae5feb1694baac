"""Timing of stages and passes; the store keeps the times for estimates of later plans."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from sd4match import backbones
from sd4match.features.unet import truncate
from sd4match.matching.readout import Layer, Setting, deepest
from sd4match.prompts.header import read_header
from study.plan.cost import Costs, extracted
from study.plan.inputs import Machine
from study.plan.plan import Plan
from study.plan.stages import Latents, Predict, Tune
from study.store import timings
from study.store.store import Store


@contextmanager
def timed(
    store: Store, stage: Latents | Tune | Predict, settings: Sequence[Setting]
) -> Iterator[None]:
    """Time a block; a stage that fails, or continues an earlier attempt, is not timed.

    Args:
        store: keeps the time.
        stage: what the block computes.
        settings: the readout settings of a prediction.
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
        flop = costs.predict(stage, settings, images=images)
    store.timings.record(machine, kind, key=stage.key, tflop=flop / 1e12, seconds=seconds)


def _source(store: Store, stage: Predict) -> str | None:
    """What a CPM prompt reads; it decides how many images are extracted."""
    extraction = stage.extraction
    if extraction.file:
        return extraction.file.source
    if not extraction.tuned:
        return None
    source: str | None = read_header(store.prompt(extraction.prompt))["config"].get("source")
    return source


def time_passes(plan: Plan, store: Store) -> None:
    """Time a batch through the UNet for each backbone of a plan, and record it in the store.

    Args:
        plan: names the backbones, image sizes and layers.
        store: records the times.

    Raises:
        SD4MatchError: weights are missing and cannot be fetched.
    """
    costs = Costs()
    wanted: dict[Machine, tuple[int, Layer]] = {}
    for key, stage in plan.predicts.items():
        layer = deepest(plan.settings[key])
        wanted.setdefault(stage.extraction.machine, (stage.extraction.image_size, layer))
    for machine, (image_size, layer) in wanted.items():
        seconds = _seconds(machine, image_size, layer)
        tflop = machine.batch_size * costs.unet(machine, image_size, layer) / 1e12
        key = f"{image_size}-{layer}-{machine.batch_size}".replace(" ", "-")
        store.timings.record(machine, timings.PASS, key=key, tflop=tflop, seconds=seconds)


@torch.inference_mode()
def _seconds(machine: Machine, image_size: int, layer: Layer) -> float:
    torch.set_num_threads(machine.threads)
    backbone = backbones.load(machine.backbone, device=machine.device, dtype=machine.dtype)
    unet = truncate(backbone.unet, layer)
    side = image_size // backbone.architecture.vae_factor
    shape = (machine.batch_size, backbone.architecture.vae["latent_channels"], side, side)
    sample = torch.zeros(shape).to(backbone.device, backbone.dtype)
    states = sample.new_zeros(shape[0], backbone.max_tokens, backbone.hidden_size)
    for _ in range(2):  # the first one warms up
        started = time.perf_counter()
        unet(sample, 50, encoder_hidden_states=states).sample.sum().item()  # waits for a GPU
        seconds = time.perf_counter() - started
    return seconds
