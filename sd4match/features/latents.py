"""VAE latents and noise: the posterior of an image is computed once, samples depend on a seed."""

import hashlib
import json
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sd4match.backbones.devices import device_kind
from sd4match.backbones.loading import Backbone
from sd4match.datasets.image_hashes import content_hash
from sd4match.datasets.images import load_image
from sd4match.datasets.pairs import ImagePair, Side
from sd4match.features.tensor_cache import TensorCache

VERSION = 2
"""Part of the cache's address: increase it when the same image would give other moments."""


class Latents:
    """The VAE posteriors of a data set's images, each computed once.

    docs/explanation/method.md section 5. Images are identified by their bytes, so one file under
    two names is encoded once. Each is encoded alone, so that no other image changes a bit. Each
    kind of device has files of its own: what was there first does not decide a later run's bits.

    Args:
        backbone: the pipeline with the VAE.
        image_size: side of the square to which images are resized, pixels.
        folder: cache for other processes and runs; None for none.

    Attributes:
        folder: the subfolder for this backbone and size: one file per image, named by `image_key`.

    Raises:
        SD4MatchError: an image size that the backbone does not take.
    """

    def __init__(
        self, backbone: Backbone, image_size: int | None = None, folder: Path | None = None
    ) -> None:
        self.backbone = backbone
        self.image_size = backbone.image_size if image_size is None else image_size
        backbone.architecture.check(image_size=self.image_size)
        address = f"v{VERSION}-{backbone.fingerprint[:16]}-{where(backbone)}-{self.image_size}"
        self.folder = None if folder is None else Path(folder) / address
        self._cache = TensorCache(self.folder)

    def moments(self, pair: ImagePair, side: Side) -> tuple[Tensor, Tensor]:
        """Return the posterior of one image of a pair, mirrored if the pair is.

        Args:
            pair: the pair.
            side: "source" or "target".

        Returns:
            Mean and standard deviation, each (4, h, w) float32 on the CPU, not scaled.

        Raises:
            SD4MatchError: the image is missing or unreadable.
        """
        mean, std = self._cache.get(image_key(pair, side), partial(self._encode, pair, side))
        return mean, std

    def sample(self, pair: ImagePair, side: Side, seed: int) -> Tensor:
        """Draw one latent from an image's posterior; all noise draws of a seed share it.

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

    def noise(self, pair: ImagePair, side: Side, seed: int, draw: int | str) -> Tensor:
        """Draw the noise that ``extract`` adds to an image's latent.

        Args:
            pair: the pair.
            side: "source" or "target".
            seed: the user's seed.
            draw: number in an ensemble, or another name.

        Returns:
            (4, h, w) float32 on the CPU.
        """
        cells = self.image_size // self.backbone.vae_factor
        shape = (self.backbone.architecture.vae["latent_channels"], cells, cells)
        content = _content(pair, side)
        return gaussian(shape, seed=seed, content=content, flip=pair.flip, draw=draw)

    @torch.no_grad()
    def _encode(self, pair: ImagePair, side: Side) -> Tensor:
        """Return (2, 4, h, w): mean and standard deviation."""
        image = to_tensor(load_image(pair, side), self.image_size)[None]
        image = image.to(self.backbone.device, self.backbone.dtype)
        posterior = self.backbone.vae.encode(image).latent_dist
        mean, log_variance = posterior.mean.float(), posterior.logvar.float()
        return torch.cat([mean, torch.exp(0.5 * log_variance)]).cpu()


def image_key(pair: ImagePair, side: Side) -> str:
    """Return a name of one image of a pair: its content hash, and whether it is mirrored."""
    return _content(pair, side) + ("-flipped" if pair.flip else "")


def where(backbone: Backbone) -> str:
    """Return a name of how and where a backbone computes, which decides how results are rounded."""
    dtype = str(backbone.dtype).removeprefix("torch.")
    device = backbone.device.type
    threads = torch.get_num_threads() if device == "cpu" else ""
    kind = re.sub(r"[^A-Za-z0-9]+", "-", device_kind(backbone.device)).strip("-")
    return f"{dtype}-{device}{threads}{backbone.variant}-{kind}"


def _content(pair: ImagePair, side: Side) -> str:
    return content_hash(pair.source_path if side == "source" else pair.target_path)


def to_tensor(image: Image.Image, image_size: int) -> Tensor:
    """Resize an image to a square, antialiased and anisotropic, and scale it to [-1, 1].

    docs/explanation/method.md section 1, step 1.

    Args:
        image: any PIL image.
        image_size: side of the square S, pixels.

    Returns:
        (3, S, S) float32 in [-1, 1].
    """
    square = image.convert("RGB").resize((image_size, image_size), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(square, dtype=np.float32))
    return pixels.permute(2, 0, 1).contiguous() / 127.5 - 1.0


def gaussian(
    shape: Sequence[int], *, seed: int, content: str, flip: bool, draw: int | str
) -> Tensor:
    """Draw standard normal noise for one image.

    The noise depends on nothing else, not on the batch, worker, device or retry; its last bits
    depend on the instructions of the processor that draws it.

    Args:
        shape: shape of the result.
        seed: the user's seed.
        content: hash of the image's bytes.
        flip: whether the image is mirrored.
        draw: number of the draw in the ensemble, or another name.

    Returns:
        float32 on the CPU.
    """
    key = json.dumps([int(seed), content, bool(flip), draw])  # also for NumPy scalars
    digest = hashlib.sha256(key.encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
    return torch.randn(*shape, generator=generator)
