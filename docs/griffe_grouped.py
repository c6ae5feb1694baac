"""Reads ``a, b: text`` in docstrings as two entries with the same text, for the reference pages.

Google's style has one entry for each parameter, and griffe warns of a parameter "a, b" that no
function has. Here several that mean the same share a line.
"""

import re
from typing import Any

from griffe import Extension, Object

GROUPED = re.compile(
    r"^(?P<indent> +)(?P<names>\w+(?:, \w+)+)(?P<text>: .*(?:\n(?P=indent) +\S.*)*)$", re.MULTILINE
)


def ungroup(docstring: str) -> str:
    """Give every name of a group an entry of its own."""

    def entries(found: re.Match[str]) -> str:
        names = found["names"].split(", ")
        return "\n".join(f"{found['indent']}{name}{found['text']}" for name in names)

    return GROUPED.sub(entries, docstring)


class Grouped(Extension):
    """Splits grouped entries of every docstring that is loaded."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite a docstring before it is parsed."""
        if obj.docstring is not None:
            obj.docstring.value = ungroup(obj.docstring.value)
