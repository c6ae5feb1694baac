"""Small pieces of sentences."""

from collections.abc import Sequence


def several(number: int, what: str) -> str:
    """``1 cell``, ``2,000 cells``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
