"""Which settings are text, and a YAML file whose texts are kept as they are typed.

YAML reads ``no`` as false, ``010`` as 8 and ``2026.10`` as 2026.1.
"""

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Any, get_type_hints

import yaml

from study.space.schema import SpaceFile

NAMED = ("prompts", "image_encoders")
"""Sections of free names; names and values are text."""

_AXES = {"axes": "baseline", "search.points": "baseline"}
"""Sections with several values of the settings of another one."""

_TEXT = (str, str | None, list[str])


@cache
def types() -> Mapping[str, Any]:
    """Dotted name -> type of every setting of the schema."""
    return _types_in(SpaceFile, "")


def _types_in(section: Any, prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, of in get_type_hints(section).items():
        found |= _types_in(of, f"{prefix}{name}.") if is_dataclass(of) else {prefix + name: of}
    return found


def in_quotes(text: str) -> str:
    """A search-space file whose texts stand in quotes where YAML would read something else.

    Lines stay where they are, so that messages about lines are right.

    Args:
        text: YAML.

    Returns:
        YAML; the same where it cannot be read.
    """
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError:
        return text  # whoever reads it says why
    typed = {node.end_mark.index: node.value for node in _plain(root, "")} if root else {}
    for end, value in sorted(typed.items(), reverse=True):
        quoted = "'" + value.replace("'", "''") + "'"
        text = text[: end - len(value)] + quoted + text[end:]  # an anchor stays before it
    return text


def _plain(node: yaml.Node, name: str) -> Iterator[yaml.ScalarNode]:
    """The scalars without quotes that stand for text, but for null and merge keys."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if name in NAMED:
                yield from _plain(key, name)
            yield from _plain(value, f"{name}.{key.value}" if name else str(key.value))
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _plain(item, name)
    elif (
        isinstance(node, yaml.ScalarNode)
        and node.style is None
        and _is_text(name)
        and node.tag.rpartition(":")[2] not in ("null", "merge")
        and "\n" not in node.value
    ):
        yield node


def _is_text(name: str) -> bool:
    for section, of in _AXES.items():
        if name.startswith(f"{section}."):
            return types().get(of + name.removeprefix(section)) in _TEXT
    return name.partition(".")[0] in NAMED or types().get(name) in _TEXT
