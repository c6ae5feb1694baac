"""Image contents: outputs of image encoders for the images of pairs, each computed once.

docs/explanation/method.md section 1.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from sd4match.backbones.image_encoders import ImageEncoder
from sd4match.backbones.loading import Backbone
from sd4match.backbones.published_configs import Reads
from sd4match.datasets.images import load_image
from sd4match.datasets.pairs import ImagePair, Side
from sd4match.features.latents import image_key, to_tensor, where
from sd4match.features.tensor_cache import TensorCache

VERSION = 2
"""Part of the cache's address: increase it when the same image would give other contents."""


class Contents:
    """The contents of a data set's images, cached by the images' bytes.

    Args:
        backbone: the pipeline with the image encoders.
        folder: cache for other processes and runs; None for none.
    """

    def __init__(self, backbone: Backbone, folder: Path | None = None) -> None:
        self.backbone = backbone
        self._folder = folder
        self._caches: dict[str, TensorCache] = {}

    def read(self, pair: ImagePair, side: Side, reads: Reads) -> Tensor:
        """Encode one image of a pair, with the encoder's own preprocessing.

        The images of a flipped pair are mirrored first.

        Args:
            pair: the pair.
            side: "source" or "target".
            reads: the encoder, and whether its patch tokens or pooled vector.

        Returns:
            (T, F) in the backbone's dtype, on the CPU.

        Raises:
            SD4MatchError: the image is missing or unreadable, or there is no such encoder.
        """
        encoder = self.backbone.image_encoder(reads.encoder)

        def compute() -> Tensor:
            pixels = prepare(load_image(pair, side), encoder)
            return encoder(pixels[None], reads.part)[0].cpu()

        return self._cache(encoder).get(f"{image_key(pair, side)}-{reads.part}", compute)

    def dense(self, pair: ImagePair, side: Side, *, image_size: int, hw: tuple[int, int]) -> Tensor:
        """Compute DINO's feature map of one image of a pair, for fused features.

        docs/explanation/method.md section 3: the encoder gets the square that the VAE gets, resized
        so that it has as many patches as the map has cells.

        Args:
            pair: the pair.
            side: "source" or "target".
            image_size: side of the square, pixels.
            hw: (h, w) of the map.

        Returns:
            (F, h, w) in the backbone's dtype, on the CPU.

        Raises:
            SD4MatchError: the image is missing or unreadable, or there is no such encoder.
        """
        encoder = self.backbone.image_encoder("dino")

        def compute() -> Tensor:
            square = to_tensor(load_image(pair, side), image_size)[None]
            sides = [n * encoder.patch_size for n in hw]
            return encoder.dense(F.interpolate(square, sides, mode="bilinear"))[0].cpu()

        key = f"{image_key(pair, side)}-{image_size}-{hw[0]}x{hw[1]}"
        return self._cache(encoder).get(key, compute)

    def folder_of(self, encoder: ImageEncoder) -> Path | None:
        """The cache folder of an encoder; file names start with an `image_key`."""
        address = f"v{VERSION}-{encoder.kind}-{encoder.fingerprint[:16]}-{where(self.backbone)}"
        return None if self._folder is None else Path(self._folder) / address

    def _cache(self, encoder: ImageEncoder) -> TensorCache:
        if encoder.kind not in self._caches:
            self._caches[encoder.kind] = TensorCache(self.folder_of(encoder))
        return self._caches[encoder.kind]


def prepare(image: Image.Image, encoder: ImageEncoder) -> Tensor:
    """Resize, crop and normalize an image as an encoder's own processor does.

    Args:
        image: any PIL image.
        encoder: the encoder, with its settings.

    Returns:
        (3, H, W) float32.
    """
    steps = encoder.processing
    image = image.convert("RGB")
    if steps.resize is not None:
        if isinstance(steps.resize, int):
            width, height = (steps.resize * n // min(image.size) for n in image.size)
        else:
            height, width = steps.resize
        image = image.resize((width, height), Image.Resampling(steps.resample))
    left, top = ((n - steps.crop) // 2 for n in image.size)
    image = image.crop((left, top, left + steps.crop, top + steps.crop))
    mean, std = np.array(steps.mean, np.float32), np.array(steps.std, np.float32)
    pixels = (np.asarray(image, dtype=np.float32) / steps.divisor - mean) / std
    return torch.from_numpy(pixels).permute(2, 0, 1)
