"""UNet and text encoder learn to denoise, and to look where the prompt says.

In two stages that differ in how roughly a landmark is to be found that the prompt does not name.
Learned from the start, the rough peaks of the second one would keep the UNet from learning what a
landmark is; after the first, it only has to learn to wait for its name.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn
from transformers import CLIPTextModel

from sd4match.backbones.train_nano.captions import FULL, PLAIN, Saying, Speller, choose
from sd4match.backbones.train_nano.corpus import LANDMARKS, NAMES, Corpus
from sd4match.backbones.train_nano.grounding import Widths, attention_loss, matching_loss, watch
from sd4match.backbones.train_nano.latents import Encoded
from sd4match.backbones.train_nano.loop import Stage, mixed
from sd4match.backbones.train_nano.models import read_json, scheduler
from sd4match.backbones.train_nano.settings import Schedule
from sd4match.datasets.shapes import generator

WIDTHS = {
    "diffusion": Widths(named=0.02, known=0.12, unknown=0.25),
    "refinement": Widths(named=0.02, known=0.3, unknown=0.5),
}
"""The stages, and how sharply features peak in each."""

LAYERS = (1, 2)
"""Up blocks whose features learn to match."""

_MATCHING, _ATTENTION = 0.1, 0.1  # weights beside denoising
_NOISY = 0.45  # share of pairs that draw a timestep for generation; the others one for matching
_LAST = 600  # above this timestep there is too little to see for grounding


class DiffusionStage(Stage):
    """Denoise pairs of images of one category, under captions that name the same landmarks."""

    def __init__(
        self,
        name: str,
        unet: UNet2DConditionModel,
        text_encoder: CLIPTextModel,
        corpus: Corpus,
        latents: Encoded,
        schedule: Schedule,
        *,
        seed: int,
    ) -> None:
        models = nn.ModuleDict({"unet": unet, "text_encoder": text_encoder})
        super().__init__(name, models, schedule, seed=seed, learns_from=latents.identity)
        self._unet, self._text, self._noising = unet, text_encoder, scheduler()
        self._speller = Speller(read_json("tokenizer/vocab.json"))
        self._corpus, self._latents = corpus, latents.values
        # Plain attention: for so few channels a head it is faster than torch's fused kernels.
        unet.set_attn_processor(AttnProcessor())
        text_encoder.set_attn_implementation("eager")
        self._widths = WIDTHS[name]
        self._watchers = watch(unet)
        self._members = [np.flatnonzero(corpus.categories == i) for i in range(len(NAMES))]

    def losses(self, step: int) -> dict[str, Tensor]:
        """See ``Stage.losses``."""
        rng = generator(self.seed, self.name, step)
        pairs = self.schedule.batch // 2
        categories = rng.integers(len(NAMES), size=pairs)
        numbers = np.concatenate(
            [rng.choice(self._members[c], 2, replace=False) for c in categories]
        )
        sayings = [choose(c, rng) for c in categories]
        times = np.repeat(_timesteps(pairs, rng), 2)
        device = self._unet.device
        clean = self._latents[numbers].to(device, torch.float32)
        noise = torch.from_numpy(rng.standard_normal(clean.shape, np.float32)).to(device)
        time = torch.from_numpy(times).to(device)
        ids, owners = (rows.to(device) for rows in self._spell(numbers, sayings))
        with mixed(device), _reading(self._unet) as maps:
            hidden = self._text(input_ids=ids).last_hidden_state
            noisy = self._noising.add_noise(clean, noise, time)
            predicted = self._unet(noisy, time, hidden).sample.float()
        seen = time <= _LAST
        regions = torch.from_numpy(self._corpus.regions[numbers]).to(device)
        looked = torch.stack([attention_loss(w.seen, regions, owners) for w in self._watchers])
        widths = self._peak_widths(sayings, owners)
        matched = torch.stack(
            [self._matching(maps[layer].float(), numbers, widths) for layer in LAYERS]
        )
        return {
            "denoising": F.mse_loss(predicted, noise),
            "attention": _ATTENTION * _mean_where(looked, seen),
            "matching": _MATCHING * _mean_where(matched, seen[::2]),
        }

    def _spell(self, numbers: np.ndarray, sayings: list[Saying]) -> tuple[Tensor, Tensor]:
        rows = [
            self._speller.spell(
                sayings[i // 2], int(self._corpus.categories[number]), self._corpus.captions[number]
            )
            for i, number in enumerate(numbers)
        ]
        ids, owners = zip(*rows, strict=True)
        return torch.from_numpy(np.stack(ids)), torch.from_numpy(np.stack(owners))

    def _peak_widths(self, sayings: list[Saying], owners: Tensor) -> Tensor:
        """(pairs, L), narrow for the landmarks that both captions of a pair name."""
        landmarks = torch.arange(1, LANDMARKS + 1, device=owners.device)
        named = (owners[:, :, None] == landmarks).any(1)
        known = torch.tensor([[saying.kind in (PLAIN, FULL)] for saying in sayings])
        unnamed = torch.where(known.to(owners.device), self._widths.known, self._widths.unknown)
        return torch.where(named[::2] & named[1::2], self._widths.named, unnamed)

    def _matching(self, maps: Tensor, numbers: np.ndarray, widths: Tensor) -> Tensor:
        points = torch.from_numpy(self._corpus.points[numbers]).to(maps.device)
        visible = torch.from_numpy(self._corpus.visible[numbers]).to(maps.device)
        return matching_loss(
            maps[::2], maps[1::2], points[::2], points[1::2], visible[::2] & visible[1::2], widths
        )


@contextmanager
def _reading(unet: UNet2DConditionModel) -> Iterator[dict[int, Tensor]]:
    """Keep the outputs of the up blocks that learn to match."""
    maps: dict[int, Tensor] = {}

    def keep(layer: int, module: nn.Module, inputs: object, output: Tensor) -> None:
        maps[layer] = output

    handles = [
        unet.up_blocks[layer].register_forward_hook(partial(keep, layer)) for layer in LAYERS
    ]
    try:
        yield maps
    finally:
        for handle in handles:
            handle.remove()


def _mean_where(values: Tensor, which: Tensor) -> Tensor:
    """The mean of the columns of (R, B) values that (B,) ``which`` tells; 0 without any."""
    return (values * which).sum() / (len(values) * which.sum().clamp_min(1))


def _timesteps(pairs: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a timestep a pair: mostly where features are read, else with a bias to high noise."""
    for_matching = rng.beta(1.5, 4.0, size=pairs)
    for_generation = np.sqrt(rng.random(pairs))
    drawn = np.where(rng.random(pairs) < _NOISY, for_generation, for_matching)
    return np.minimum((drawn * 1000).astype(np.int64), 999)
