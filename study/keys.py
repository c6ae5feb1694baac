"""Content addresses: the same question has the same key, on every machine and on every day."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def key_of(spec: Mapping[str, Any]) -> str:
    """Twenty hexadecimal digits (80 bits) of the SHA-256 of ``spec`` as canonical JSON.

    Args:
        spec: everything that determines an output; JSON values only.

    Raises:
        TypeError, ValueError: for values without one JSON form (objects, NaN).
    """
    return hashlib.sha256(_CANONICAL.encode(spec).encode()).hexdigest()[:20]


# Made once: a large plan has a million keys.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
