"""Hash of a file's inputs, used in its name so that stale files are not reused."""

import hashlib
import json
from collections.abc import Mapping

from torch import Tensor


def identity(tensors: Mapping[str, Tensor], *rest: object) -> str:
    """Hash tensors by their names and bytes, and everything else that decides a file's content.

    Args:
        tensors: for example a model's weights.
        rest: JSON values.

    Returns:
        12 hexadecimal digits.
    """
    digest = hashlib.sha256(json.dumps([list(tensors), *rest]).encode())
    for tensor in tensors.values():
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
