"""Features of an image and a step of tuning, beside the whole UNet and no kept latents.

    python -m benchmarks extraction [--size 768] [--tuning-size 384] [--rounds 2]

Stable Diffusion 2-1's true architecture with random weights, layer 1. The original code encodes an
image each time and runs the whole UNet; here the UNet ends after the layer, and latents are kept.
The three parts of an extraction are measured in turns, one noisy latent a pass; an ensemble of E
is E such passes. CPU seconds, the best of the rounds: other work on the machine changes these
least. A tuning step is one pair, smaller, because a backward pass at 768 pixels needs more memory
than a laptop has; the blocks after the layer get no gradient in either way.
Target: E = 8, new image, at least as many times faster as operations are saved.
"""

import argparse
import time
from collections.abc import Callable

import torch
from tabulate import tabulate
from torch import Tensor

from benchmarks.sharing import SD21, random_backbone
from sd4match.backbones import Backbone
from sd4match.features import extract, flops
from sd4match.losses import gaussian_cross_entropy

LAYER, TIMESTEP = 1, 50
Parts = dict[str, Callable[[], object]]


def main() -> None:
    """Print a table for extraction and one for tuning."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=768, help="image side of extraction")
    parser.add_argument("--tuning-size", type=int, default=384, help="image side of tuning")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    backbone = random_backbone(SD21)
    backbone.unet.requires_grad_(False)
    with torch.no_grad():
        seconds = best(extraction(backbone, arguments.size), arguments.rounds)
    show(backbone, arguments.size, seconds)
    seconds = best(tuning(backbone, arguments.tuning_size), arguments.rounds)
    theirs, ours = seconds["encode"] + seconds["whole"], seconds["truncated"]
    print(
        f"\nA tuning step, {arguments.tuning_size} pixels, a pair: {theirs:.1f} s; kept latents "
        f"and truncated UNet: {ours:.1f} s, {theirs / ours:.2f} times less"
    )


def show(backbone: Backbone, size: int, seconds: dict[str, float]) -> None:
    """A row for each ensemble size, with what the operations alone would give."""
    whole, short = (flops(backbone.architecture, size, layer) for layer in (None, LAYER))
    counted = {"encode": whole.vae_encode, "whole": whole.unet, "truncated": short.unet}
    rows = []
    for ensemble in (1, 8):
        for what, cost in (("measured", seconds), ("by operations", counted)):
            theirs = cost["encode"] + ensemble * cost["whole"]
            kept = ensemble * cost["truncated"]
            new = cost["encode"] + kept
            rows.append([ensemble, what, theirs / new, theirs / kept])
    parts = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    print(f"Extraction, {size} pixels, layer {LAYER}, {torch.get_num_threads()} threads: {parts}")
    headers = ["E", "times faster", "new image", "kept latents"]
    print(tabulate(rows, headers=headers, tablefmt="github", floatfmt=".2f"))


def extraction(backbone: Backbone, size: int) -> Parts:
    """What the features of an image consist of."""
    image, hidden = torch.randn(1, 3, size, size), states(backbone)
    latent, noise = torch.randn(2, 1, 4, size // 8, size // 8).unbind(0)
    return {
        "encode": lambda: backbone.vae.encode(image),
        "whole": lambda: backbone.unet(latent + noise, torch.tensor([TIMESTEP]), hidden),
        "truncated": lambda: extract(
            backbone, latent, hidden, timestep=TIMESTEP, layers=[LAYER], noise=noise[None]
        ),
    }


def tuning(backbone: Backbone, size: int) -> Parts:
    """What a step of tuning consists of, with one pair: forward, loss, backward."""
    images = torch.randn(2, 3, size, size)
    latents, noise = torch.randn(2, 2, 4, size // 8, size // 8).unbind(0)
    points = torch.rand(1, 10, 2) * size

    def step(maps: Callable[[Tensor], Tensor]) -> None:
        found = maps(states(backbone).requires_grad_())
        loss = gaussian_cross_entropy(
            found[:1], found[1:], points, points, torch.tensor([10]),
            source_hw=(size, size), target_hw=(size, size),
        )  # fmt: skip
        loss.backward()

    def whole(hidden: Tensor) -> Tensor:
        kept: list[Tensor] = []
        block = backbone.unet.up_blocks[LAYER]
        hook = block.register_forward_hook(lambda *call: kept.append(call[-1]))
        backbone.unet(latents + noise, torch.tensor([TIMESTEP]), hidden.expand(2, -1, -1))
        hook.remove()
        return kept[0]

    def truncated(hidden: Tensor) -> Tensor:
        draws = noise[:, None]
        maps = extract(backbone, latents, hidden, timestep=TIMESTEP, layers=[LAYER], noise=draws)
        return maps[LAYER]

    return {
        "encode": torch.no_grad()(lambda: backbone.vae.encode(images)),
        "whole": lambda: step(whole),
        "truncated": lambda: step(truncated),
    }


def states(backbone: Backbone) -> Tensor:
    """A prompt's hidden states."""
    return torch.randn(1, backbone.max_tokens, backbone.hidden_size)


def best(parts: Parts, rounds: int) -> dict[str, float]:
    """CPU seconds of each part."""
    seconds = dict.fromkeys(parts, float("inf"))
    for _ in range(rounds):
        for name, part in parts.items():
            start = time.process_time()
            part()
            seconds[name] = min(seconds[name], time.process_time() - start)
    return seconds


if __name__ == "__main__":
    main()
