"""Facts about the prompt families: what each depends on and its settings. Needs no torch."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, Literal

from sd4match.backbones.known import Reads
from sd4match.datasets.benchmark import class_alias
from sd4match.errors import SD4MatchError

Dependence = Literal["nothing", "category", "image", "pair"]
"""What the hidden states of a prompt vary with."""


@dataclass(frozen=True)
class Family:
    """What can be known of a prompt family without making a prompt.

    Attributes:
        name: the name users write.
        depends_on: what the hidden states vary with.
        learned: whether there is something to tune.
        options: the settings ``create`` understands, seed apart.
    """

    name: str
    depends_on: Dependence
    learned: bool
    options: tuple[str, ...] = ()


KNOWN: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family("empty", "nothing", learned=False),
        Family("text", "category", learned=False, options=("template",)),
        Family("single", "nothing", learned=True, options=("length",)),
        Family("class", "category", learned=True, options=("length", "categories")),
        Family("cpm", "pair", learned=True, options=("source", "global_length", "content_length")),
        Family("single_hidden", "nothing", learned=True),
        Family("class_hidden", "category", learned=True, options=("categories",)),
    )
}
"""By name; a test compares them with the classes in ``families.FAMILIES``."""

SOURCES = {
    f"{images}-{encoder}-{part}": (images == "Pair", Reads(encoder.lower(), part.lower()))
    for images in ("Img", "Pair")
    for encoder in ("DINO", "CLIP")
    for part in ("Feat", "Head")
}
"""What the content tokens of cpm prompts are computed from: whether of a pair, and what is read."""


def parse(name: str) -> dict[str, Any] | None:
    """Read the paper's way of naming cpm prompts, such as ``Pair-DINO-Feat-G25-C50``.

    Args:
        name: any text.

    Returns:
        source, global_length and content_length; None when it is no such name.
    """
    found = re.fullmatch(rf"({'|'.join(SOURCES)})-G(\d+)-C(\d+)", name)
    if found is None:
        return None
    return {
        "source": found[1],
        "global_length": int(found[2]),
        "content_length": int(found[3]),
    }


def check_lengths(global_length: int, content_length: int, *, most: int = 75) -> None:
    """Refuse lengths of a cpm prompt that do not fit between BOS and EOS.

    Args:
        global_length: G, 0 or more.
        content_length: C, 1 or more.
        most: how many tokens there is room for.

    Raises:
        SD4MatchError: G or C is too small, or both together too long.
    """
    whole = isinstance(global_length, int) and isinstance(content_length, int)
    if not (whole and global_length >= 0 and 1 <= content_length <= most - global_length):
        raise SD4MatchError(
            f"cpm prompt has {global_length} global and {content_length} content tokens: it needs "
            f"whole numbers, at least 0 and 1, and at most {most} together"
        )


def check_template(template: str) -> None:
    """Refuse the template of a text prompt that has other fields than ``{category}``.

    Args:
        template: any text.

    Raises:
        SD4MatchError: other fields or broken braces.
    """
    try:
        fields = {
            f"{field}{spec}{conversion or ''}"
            for _, field, spec, conversion in Formatter().parse(template)
            if field is not None
        }
    except ValueError:
        fields = {""}
    if not fields <= {"category"}:
        raise SD4MatchError(
            f"prompt template {template!r} may hold no field but {{category}}: remove others"
        )


def serving_category(learned: Collection[str], category: str) -> str | None:
    """Find the learned category that serves another one (docs/explanation/method.md section 2).

    Args:
        learned: the categories that prompts were learned for.
        category: any category of any benchmark.

    Returns:
        Itself, else the class it is an alias of ("car(G)" is served by "car"), else None.
    """
    alias = class_alias(category)
    return category if category in learned else alias if alias in learned else None
