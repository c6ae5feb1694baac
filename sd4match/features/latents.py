"""VAE latents of images: the posterior once an image, on disk and in memory; samples by seed."""

import logging
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from sd4match.atomic import atomic_path
from sd4match.backbones import Backbone
from sd4match.datasets import ImagePair, content_hash, load_image
from sd4match.features.images import to_tensor
from sd4match.features.noise import gaussian

log = logging.getLogger(__name__)

VERSION = 1
"""Part of the cache's address: raise it when the same image would give other moments."""

Side = Literal["source", "target"]


class Latents:
    """The VAE posteriors of a data set's images, each computed once (METHOD.md section 5).

    Images are known by their bytes, so one file under two names is encoded once. Each is encoded
    alone, so that its bits never depend on what else was in a batch. Moments stay in memory: 295
    kB an image at 768 pixels.

    Args:
        backbone: whose VAE.
        image_size: side of the square that images are resized to, pixels.
        folder: where moments are kept for other processes and runs; None keeps none.

    Raises:
        SD4MatchError: an image size that the backbone does not take.
    """

    def __init__(
        self, backbone: Backbone, image_size: int | None = None, folder: Path | None = None
    ) -> None:
        self.backbone = backbone
        self.image_size = backbone.image_size if image_size is None else image_size
        backbone.architecture.check(image_size=self.image_size)
        self._folder = None if folder is None else Path(folder) / self._address()
        self._memory: dict[str, Tensor] = {}

    def moments(self, pair: ImagePair, side: Side) -> tuple[Tensor, Tensor]:
        """Return the posterior of one image of a pair, mirrored when the pair is.

        Args:
            pair: the pair.
            side: "source" or "target".

        Returns:
            Mean and standard deviation, each (4, h, w) float32 on the CPU, not scaled.

        Raises:
            SD4MatchError: the image is missing or unreadable.
        """
        key = _content(pair, side) + ("-flipped" if pair.flip else "")
        if key not in self._memory:
            self._memory[key] = self._read_or_encode(key, pair, side)
        mean, std = self._memory[key]
        return mean, std

    def sample(self, pair: ImagePair, side: Side, seed: int) -> Tensor:
        """Draw one latent from an image's posterior, the same for all noise draws of a seed.

        Args:
            pair: the pair.
            side: "source" or "target".
            seed: the user's seed.

        Returns:
            (4, h, w) float32 on the CPU, times the VAE's scaling factor.

        Raises:
            SD4MatchError: the image is missing or unreadable.
        """
        mean, std = self.moments(pair, side)
        content = _content(pair, side)
        noise = gaussian(mean.shape, seed=seed, content=content, flip=pair.flip, draw="posterior")
        latent: Tensor = (mean + std * noise) * self.backbone.vae.config.scaling_factor
        return latent

    def noise(self, pair: ImagePair, side: Side, *, seed: int, ensemble: int) -> Tensor:
        """Draw the noise that ``extract`` adds to an image's latent.

        Args:
            pair: the pair.
            side: "source" or "target".
            seed: the user's seed.
            ensemble: number of draws E; the first draws of a larger ensemble are the same.

        Returns:
            (E, 4, h, w) float32 on the CPU.
        """
        cells = self.image_size // self.backbone.vae_factor
        shape = (self.backbone.architecture.vae["latent_channels"], cells, cells)
        content = _content(pair, side)
        draws = [
            gaussian(shape, seed=seed, content=content, flip=pair.flip, draw=draw)
            for draw in range(ensemble)
        ]
        return torch.stack(draws)

    def _address(self) -> str:
        """Name what moments depend on besides the image: how it is computed decides rounding."""
        dtype = str(self.backbone.dtype).removeprefix("torch.")
        device = self.backbone.device.type
        if device == "cpu":
            device += str(torch.get_num_threads())
        fingerprint = self.backbone.fingerprint[:16]
        return f"v{VERSION}-{fingerprint}-{dtype}-{device}-{self.image_size}"

    def _read_or_encode(self, key: str, pair: ImagePair, side: Side) -> Tensor:
        if self._folder is None:
            return self._encode(pair, side)
        path = self._folder / f"{key}.safetensors"
        if path.is_file():
            try:
                return load_file(path)["moments"]
            except (SafetensorError, OSError, KeyError) as error:
                log.warning("%s: broken, computed again (%s)", path, error)
        moments = self._encode(pair, side)
        with atomic_path(path) as temporary:
            save_file({"moments": moments}, temporary)
        return moments

    @torch.no_grad()
    def _encode(self, pair: ImagePair, side: Side) -> Tensor:
        """Return (2, 4, h, w): mean and standard deviation."""
        image = to_tensor(load_image(pair, side), self.image_size)[None]
        image = image.to(self.backbone.device, self.backbone.dtype)
        posterior = self.backbone.vae.encode(image).latent_dist
        mean, log_variance = posterior.mean.float(), posterior.logvar.float()
        return torch.cat([mean, torch.exp(0.5 * log_variance)]).cpu()


def _content(pair: ImagePair, side: Side) -> str:
    return content_hash(pair.source_path if side == "source" else pair.target_path)
