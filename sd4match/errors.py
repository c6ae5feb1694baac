"""The exception for mistakes that the user can correct."""

import difflib
from collections.abc import Iterable


class SD4MatchError(Exception):
    """A problem with what the user gave: data, a name, a file, a setting.

    Its text is one line that says what is wrong, where, and what to do. Commands print that line
    and exit with a non-zero status. Any other exception that reaches the user is a bug.
    """


MOST_LISTED = 30
"""The most names that a message lists."""


def require_known(value: object, known: Iterable[str], *, what: str, where: str = "") -> None:
    """Raise unless a name is known.

    Args:
        value: the name; of any type, because it may come from a file.
        known: the known names.
        what: the kind of name, for the message: ``"category"``.
        where: the file or line with the name, if any, for the start of the message.

    Raises:
        SD4MatchError: with the most similar known name, if there is one, and the first of all.
    """
    names = list(known)
    if value in names:
        return
    near = difflib.get_close_matches(str(value), names, n=1)
    hint = f"did you mean {near[0]!r}? Known" if near else "known"
    place = f"{where}: " if where else ""
    listed = ", ".join(names[:MOST_LISTED]) or "none"
    if len(names) > MOST_LISTED:
        listed += f", … ({len(names)} in all)"
    raise SD4MatchError(f"{place}unknown {what} {value!r}: {hint}: {listed}")
