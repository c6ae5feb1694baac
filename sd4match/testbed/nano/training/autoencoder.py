"""The first stage: an autoencoder whose latents have a quarter of the image's side."""

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor, nn

from sd4match.testbed.nano.training.corpus import SIDE, Corpus
from sd4match.testbed.nano.training.loop import Stage, mixed
from sd4match.testbed.nano.training.settings import Schedule
from sd4match.testbed.shapes.style import named_rng

_CROP = 64  # a convolutional network learns as much from crops, in a quarter of the time
_DIVERGENCE = 1e-4  # weight of the posterior's divergence from a standard normal


class AutoencoderStage(Stage):
    """Reconstruct crops: mean absolute error of pixels and of their differences."""

    def __init__(
        self, vae: AutoencoderKL, corpus: Corpus, schedule: Schedule, *, seed: int
    ) -> None:
        models = nn.ModuleDict({"vae": vae})
        super().__init__("autoencoder", models, schedule, seed=seed, learns_from=corpus.identity)
        self._vae, self._corpus = vae, corpus

    def losses(self, step: int) -> dict[str, Tensor]:
        """See ``Stage.losses``."""
        rng = named_rng(self.seed, self.name, step)
        device = self._vae.device
        numbers = rng.integers(len(self._corpus), size=self.schedule.batch)
        x, y = rng.integers(0, SIDE - _CROP + 1, size=(2, len(numbers)))
        crops = np.stack(
            [
                self._corpus.pixels[n, top : top + _CROP, left : left + _CROP]
                for n, left, top in zip(numbers, x, y, strict=True)
            ]
        )
        pixels = as_input(crops).to(device)
        noise = torch.from_numpy(
            rng.standard_normal(
                (len(crops), self._vae.config.latent_channels, _CROP // 4, _CROP // 4)
            )
        )
        with mixed(device):
            posterior = self._vae.encode(pixels).latent_dist
            latents = posterior.mean + posterior.std * noise.to(device, torch.float32)
            decoded = self._vae.decode(latents).sample.float()
        across = F.l1_loss(decoded.diff(dim=-1), pixels.diff(dim=-1))
        down = F.l1_loss(decoded.diff(dim=-2), pixels.diff(dim=-2))
        divergence = posterior.kl().float().mean() / posterior.mean[0].numel()
        return {
            "pixels": F.l1_loss(decoded, pixels),
            "edges": across + down,
            "divergence": _DIVERGENCE * divergence,
        }


def as_input(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Tensor:
    """Convert (B, h, w, 3) bytes to (B, 3, h, w) in [-1, 1]."""
    return torch.from_numpy(pixels.astype(np.float32)).permute(0, 3, 1, 2) / 127.5 - 1.0
