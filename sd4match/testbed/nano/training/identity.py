"""Names that change with what a file was made from, so that a stale one is never taken for it."""

import hashlib
import json
from collections.abc import Mapping

from torch import Tensor


def identity(tensors: Mapping[str, Tensor], *rest: object) -> str:
    """Hash tensors by their names and bytes, and whatever else decides a file's content.

    Args:
        tensors: say, a model's weights.
        rest: what JSON can write.

    Returns:
        12 hexadecimal digits.
    """
    digest = hashlib.sha256(json.dumps([list(tensors), *rest]).encode())
    for tensor in tensors.values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
