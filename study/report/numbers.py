"""Numbers as the report writes them: percent, points, intervals, seconds."""

import math


def percent(share: float) -> str:
    """``0.5312`` as ``53.1``; a dash for NaN."""
    return "–" if math.isnan(share) else f"{100 * share:.1f}"


def points(share: float) -> str:
    """A difference of shares as signed percentage points, with a real minus."""
    return "–" if math.isnan(share) else f"{100 * share:+.1f}".replace("-", "−")


def bounds(low: float, high: float) -> str:
    """``[50.1, 56.0]`` in percent; nothing for NaN."""
    return "" if math.isnan(low) else f"[{100 * low:.1f}, {100 * high:.1f}]".replace("-", "−")


def seconds(amount: float) -> str:
    """A duration for people."""
    if amount < 90:
        return f"{amount:.1f} s"
    return f"{amount / 60:.1f} min" if amount < 5400 else f"{amount / 3600:.1f} h"


def several(number: int, what: str) -> str:
    """``1 cell``, ``2,000 cells``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def listed(words: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
