"""The one exception that stands for a mistake its reader can mend."""

import difflib
from collections.abc import Iterable


class SD4MatchError(Exception):
    """A problem with what the user gave: data, a name, a file, a setting.

    Its text is one line that says what is wrong, where, and what to do. Command lines print that
    line and exit with a non-zero status; anything else that escapes is a bug.
    """


MOST_LISTED = 30
"""More names than this make a message that nobody reads."""


def require_known(value: object, known: Iterable[str], *, what: str, where: str = "") -> None:
    """Raise unless a name is one of those known.

    Args:
        value: what was given; anything, for it may come from a file.
        known: the names there are.
        what: what is named, for the message: ``"category"``.
        where: the file or line that names it, if any, for the start of the message.

    Raises:
        SD4MatchError: with the nearest known name where one is near, and the first of them all.
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
