"""The last stage: a small DINOv2 that classifies every patch of an image.

It is supervised, without DINO's own objective: patches learn their landmark (or none), the class
token learns the category. The transformer is kept, these two heads are not.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import Dinov2Model

from sd4match.testbed.nano.training.autoencoder import as_input
from sd4match.testbed.nano.training.corpus import NAMES, Corpus
from sd4match.testbed.nano.training.loop import Stage, mixed
from sd4match.testbed.nano.training.models import read_json
from sd4match.testbed.nano.training.settings import Schedule
from sd4match.testbed.shapes.category import CATEGORIES
from sd4match.testbed.shapes.style import named_rng

_CROP = 224
_LEAST = (0.6, 0.8)  # smallest window, as fractions of width and height, as for cropped photos
_COUNTS = [len(CATEGORIES[name].keypoints) for name in NAMES]
_FIRST = np.cumsum([1, *_COUNTS])  # class of a category's first landmark; 0 is no landmark


class ImageEncoderStage(Stage):
    """Classify patches and images, cropped and resized as by the encoder's processor."""

    def __init__(
        self, encoder: Dinov2Model, corpus: Corpus, schedule: Schedule, *, seed: int
    ) -> None:
        width = encoder.config.hidden_size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            heads = {
                "patch_head": nn.Linear(width, int(_FIRST[-1])),
                "image_head": nn.Linear(width, len(NAMES)),
            }
        models = nn.ModuleDict({"image_encoder": encoder, **heads}).to(encoder.device)
        super().__init__("image_encoder", models, schedule, seed=seed, learns_from=corpus.identity)
        processing = read_json("image_encoder/preprocessor_config.json")
        self._mean, self._std = (
            torch.tensor(processing[name]).view(1, 3, 1, 1).to(encoder.device)
            for name in ("image_mean", "image_std")
        )
        self._corpus = corpus
        self._patches = _CROP // int(encoder.config.patch_size)

    def losses(self, step: int) -> dict[str, Tensor]:
        """See ``Stage.losses``."""
        rng = named_rng(self.seed, self.name, step)
        numbers = rng.integers(len(self._corpus), size=self.schedule.batch)
        device = self._mean.device
        pixels = as_input(self._corpus.pixels[numbers]).to(device) / 2 + 0.5
        categories = torch.from_numpy(self._corpus.categories[numbers].astype(np.int64))
        regions = torch.from_numpy(self._corpus.regions[numbers].astype(np.float32))[:, None]
        windows = _windows(len(numbers), rng).to(device)
        view = F.affine_grid(windows, [len(numbers), 3, _CROP, _CROP], align_corners=False)
        seen = F.grid_sample(pixels, view, align_corners=False, padding_mode="border")
        coarse = F.affine_grid(
            windows, [len(numbers), 1, self._patches, self._patches], align_corners=False
        )
        inside = F.grid_sample(regions.to(device), coarse, mode="nearest", align_corners=False)
        first = torch.from_numpy(_FIRST)[categories][:, None].to(device)
        landmark = inside.flatten(1).long()
        labels = torch.where(landmark > 0, first + landmark - 1, 0)
        with mixed(device):
            tokens = self.models["image_encoder"](
                pixel_values=(seen - self._mean) / self._std
            ).last_hidden_state
            of_patch = self.models["patch_head"](tokens[:, 1:]).float()
            of_image = self.models["image_head"](tokens[:, 0]).float()
        return {
            "patches": F.cross_entropy(of_patch.flatten(0, 1), labels.flatten()),
            "images": F.cross_entropy(of_image, categories.to(device)),
        }


def _windows(count: int, rng: np.random.Generator) -> Tensor:
    """(B, 2, 3) affine maps onto windows of the square, at random sizes and places."""
    size = rng.uniform(_LEAST, 1.0, size=(count, 2))
    shift = rng.uniform(-1, 1, size=(count, 2)) * (1 - size)
    windows = np.zeros((count, 2, 3), np.float32)
    windows[:, 0, 0], windows[:, 1, 1] = size.T
    windows[:, :, 2] = shift
    return torch.from_numpy(windows)
