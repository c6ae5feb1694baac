"""What the values of an axis may be: each check returns the value, or says what is allowed.

Numbers are refused with a ``ValueError``, unknown names with an `SD4MatchError` that names the
nearest; `study.axes.Axis.parse` says which axis it was.
"""

import math
from collections.abc import Callable

from sd4match.errors import require_known


def integer(low: int, high: int = 2**31 - 1, *, odd: bool = False) -> Callable[[object], int]:
    """A check for whole numbers in a range."""
    allowed = f"{'an odd' if odd else 'an'} integer from {low} to {high}"

    def check(raw: object) -> int:
        # True would pass for 1, and 2.5 would be cut to 2.
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not float(raw).is_integer():
            raise ValueError(f"expected {allowed}")
        value = int(raw)
        if value < low or value > high or (odd and value % 2 == 0):
            raise ValueError(f"expected {allowed}")
        return value

    return check


def positive(raw: object) -> float:
    """A finite number above 0, as a float."""
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 < raw < math.inf:
        raise ValueError("expected a number above 0")
    return float(raw)


def one_of(*names: str) -> Callable[[object], str]:
    """A check for one of some names."""

    def check(raw: object) -> str:
        require_known(raw, names, what="value")
        return str(raw)

    return check


def source(raw: object) -> str:
    """What a cpm prompt reads, such as ``Pair-DINO-Feat``."""
    from sd4match.prompts.cpm import SOURCES

    return one_of(*SOURCES)(raw)


def template(raw: object) -> str:
    """A text with no other place than ``{category}``."""
    from sd4match.prompts import TextPrompt

    return TextPrompt(text(raw)).template


def text(raw: object) -> str:
    """Any text but the empty one."""
    if not isinstance(raw, str) or not raw:
        raise ValueError("expected a name or a folder")
    return raw
