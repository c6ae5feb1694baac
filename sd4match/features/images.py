"""Images as the VAE takes them."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_tensor(image: Image.Image, image_size: int) -> Tensor:
    """Resize an image to a square, antialiased and anisotropic, and scale it to [-1, 1].

    METHOD.md section 1, step 1.

    Args:
        image: any PIL image.
        image_size: side of the square S, pixels.

    Returns:
        (3, S, S) float32 in [-1, 1].
    """
    square = image.convert("RGB").resize((image_size, image_size), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(square, dtype=np.float32))
    return pixels.permute(2, 0, 1).contiguous() / 127.5 - 1.0
