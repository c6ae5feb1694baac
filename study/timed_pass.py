"""One timed pass: how fast this machine is, for plans before the first study."""

import time

import torch

from sd4match import backbones
from sd4match.features.unet import truncate
from study import speed
from study.cost import Costs
from study.plan import Plan
from study.stages import Machine
from study.store import Store


def time_passes(plan: Plan, store: Store) -> None:
    """Time a batch through the UNet for each backbone of a plan, and keep that in the store.

    Raises:
        SD4MatchError: the weights are not here and cannot be fetched.
    """
    costs = Costs()
    wanted: dict[Machine, tuple[int, int]] = {}
    for key, stage in plan.predicts.items():
        layer = max(layer for layer, _ in plan.settings[key])
        wanted.setdefault(stage.extraction.machine, (stage.extraction.image_size, layer))
    for machine, (image_size, layer) in wanted.items():
        seconds = _seconds(machine, image_size, layer)
        tflop = machine.batch_size * costs.unet(machine, image_size, layer) / 1e12
        key = f"{image_size}-{layer}-{machine.batch_size}"
        speed.record(store, machine, speed.PASS, key=key, tflop=tflop, seconds=seconds)


@torch.inference_mode()
def _seconds(machine: Machine, image_size: int, layer: int) -> float:
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
