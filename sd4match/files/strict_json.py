"""JSON that every parser reads: NaN and Infinity are null, NumPy's numbers are numbers."""

import json
import math
from collections.abc import Mapping
from typing import Any


def dumps(content: Any, *, indent: int | None = 2) -> str:
    """Write content as JSON.

    Args:
        content: mappings, sequences, numbers (Python's or NumPy's), text, None; anything else is
            written as its text.
        indent: spaces of a level.

    Returns:
        JSON without NaN and Infinity, which JSON does not know: null stands for them.
    """
    return json.dumps(_plain(content), indent=indent, allow_nan=False)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_key(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _key(name: Any) -> str | int | float | bool | None:
    """A name as `json.dumps` takes it; it writes NaN as text, which is no fault in a name."""
    return name if name is None or isinstance(name, str | int | float | bool) else str(name)
