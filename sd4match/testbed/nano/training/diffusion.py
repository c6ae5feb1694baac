"""The diffusion stages: UNet and text encoder learn to denoise, to match and to follow the prompt.

The first two stages differ in the width of the peak for landmarks that the prompt does not name.
From the start, the wide peaks of the second stage would keep the UNet from learning landmarks;
after the first, it only has to learn that names matter. The third stage learns to generate: it
predicts velocity, as Stable Diffusion 2-1 does, because at high noise an error of the noise carries
almost no information about colors and layout.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn
from transformers import CLIPTextModel

from sd4match.testbed.nano.training.captions import FULL, PLAIN, Saying, Speller, choose, describe
from sd4match.testbed.nano.training.corpus import LANDMARKS, NAMES, Corpus
from sd4match.testbed.nano.training.grounding import Widths, attention_loss, matching_loss, watch
from sd4match.testbed.nano.training.latents import Encoded
from sd4match.testbed.nano.training.loop import Stage, mixed
from sd4match.testbed.nano.training.models import read_json, scheduler
from sd4match.testbed.nano.training.settings import Schedule
from sd4match.testbed.shapes.style import named_rng


class Aim(NamedTuple):
    """The objective of a stage.

    Attributes:
        widths: widths of the features' peaks.
        predicts: target of the UNet, "epsilon" or "v_prediction".
        generating: share of pairs that only learn generation; the others learn matching.
    """

    widths: Widths
    predicts: str
    generating: float


_ROUGH = Widths(named=0.02, known=0.3, unknown=0.5)

AIMS = {
    "diffusion": Aim(Widths(named=0.02, known=0.12, unknown=0.25), "epsilon", 0.45),
    "refinement": Aim(_ROUGH, "epsilon", 0.45),
    "generation": Aim(_ROUGH, "v_prediction", 0.75),
}
"""The stages, in their order."""

LAYERS = (1, 2)
"""Up blocks whose features learn to match."""

_WEIGHTS = {"attention": 0.1, "matching": 0.1}  # relative to denoising
_LAST = 600  # above this timestep images are too noisy for grounding


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
        self._aim = AIMS[name]
        self._unet, self._text = unet, text_encoder
        self._noising = scheduler(prediction_type=self._aim.predicts)
        self._speller = Speller(read_json("tokenizer/vocab.json"))
        self._corpus, self._latents = corpus, latents.values
        # Plain attention: with so few channels per head it is faster than torch's fused kernels.
        unet.set_attn_processor(AttnProcessor())
        text_encoder.set_attn_implementation("eager")
        self._watchers = watch(unet)
        self._members = [np.flatnonzero(corpus.categories == i) for i in range(len(NAMES))]

    def losses(self, step: int) -> dict[str, Tensor]:
        """See ``Stage.losses``."""
        rng = named_rng(self.seed, self.name, step)
        pairs = self.schedule.batch // 2
        categories = rng.integers(len(NAMES), size=pairs)
        numbers = np.concatenate(
            [rng.choice(self._members[c], 2, replace=False) for c in categories]
        )
        drawn, generated = _timesteps(pairs, self._aim.generating, rng)
        sayings = [
            describe(rng) if free else choose(c, rng)
            for c, free in zip(categories, generated, strict=True)
        ]
        grounded = ~generated & (drawn <= _LAST)
        device = self._unet.device
        clean = self._latents[numbers].to(device, torch.float32)
        noise = torch.from_numpy(rng.standard_normal(clean.shape, np.float32)).to(device)
        time = torch.from_numpy(np.repeat(drawn, 2)).to(device)
        ids, owners = (rows.to(device) for rows in self._spell(numbers, sayings))
        with mixed(device), _reading(self._unet) as maps:
            hidden = self._text(input_ids=ids).last_hidden_state
            noisy = self._noising.add_noise(clean, noise, time)
            predicted = self._unet(noisy, time, hidden).sample.float()
        target = noise
        if self._aim.predicts == "v_prediction":
            target = self._noising.get_velocity(clean, noise, time)
        return {
            "denoising": F.mse_loss(predicted, target),
            **self._grounding(maps, numbers, sayings, owners, np.flatnonzero(grounded)),
        }

    def _grounding(
        self,
        maps: dict[int, Tensor],
        numbers: np.ndarray,
        sayings: list[Saying],
        owners: Tensor,
        pairs: np.ndarray,
    ) -> dict[str, Tensor]:
        """The two terms of `grounding` for some of the pairs."""
        if not len(pairs):
            return dict.fromkeys(_WEIGHTS, torch.zeros((), device=owners.device))
        images = (2 * pairs[:, None] + [0, 1]).ravel()
        rows, numbers = torch.from_numpy(images).to(owners.device), numbers[images]
        owners, sayings = owners[rows], [sayings[i] for i in pairs]
        regions = torch.from_numpy(self._corpus.regions[numbers]).to(owners.device)
        looked = [attention_loss(w.seen[rows], regions, owners) for w in self._watchers]
        widths = self._peak_widths(sayings, owners)
        matched = [self._matching(maps[layer][rows].float(), numbers, widths) for layer in LAYERS]
        terms = {"attention": torch.stack(looked), "matching": torch.stack(matched)}
        return {name: weight * terms[name].mean() for name, weight in _WEIGHTS.items()}

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
        """(pairs, L) widths, narrow for landmarks that both captions of a pair name."""
        widths = self._aim.widths
        landmarks = torch.arange(1, LANDMARKS + 1, device=owners.device)
        named = (owners[:, :, None] == landmarks).any(1)
        known = torch.tensor([[saying.kind in (PLAIN, FULL)] for saying in sayings])
        unnamed = torch.where(known.to(owners.device), widths.known, widths.unknown)
        return torch.where(named[::2] & named[1::2], widths.named, unnamed)

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


def _timesteps(
    pairs: int, generating: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a timestep per pair, for matching or for generation, and which of the two."""
    for_matching = rng.beta(1.5, 4.0, size=pairs)
    for_generation = np.sqrt(rng.random(pairs))
    generated = rng.random(pairs) < generating
    drawn = np.where(generated, for_generation, for_matching)
    times = np.minimum((drawn * 1000).astype(np.int64), 999)
    return times, generated
