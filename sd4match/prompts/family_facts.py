"""What each prompt family depends on, and its settings. Does not load torch."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, Literal

from sd4match.backbones.published_configs import Reads
from sd4match.datasets.benchmark import class_alias
from sd4match.errors import SD4MatchError

Dependence = Literal["nothing", "category", "image", "pair"]
"""What decides the hidden states of a prompt."""


@dataclass(frozen=True)
class Family:
    """Facts about a prompt family that need no prompt.

    Attributes:
        name: the family's name.
        depends_on: what decides the hidden states.
        learned: whether it can be tuned.
        options: names of the settings of ``create``, except the seed.
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
"""Name -> family; a test compares them with the classes in ``families.FAMILIES``."""

SOURCES = {
    f"{images}-{encoder}-{part}": (images == "Pair", Reads(encoder.lower(), part.lower()))
    for images in ("Img", "Pair")
    for encoder in ("DINO", "CLIP")
    for part in ("Feat", "Head")
}
"""Name of a content source -> whether it uses a pair, and what is read of the images."""


def parse(name: str) -> dict[str, Any] | None:
    """Parse the paper's name of a cpm prompt, such as ``Pair-DINO-Feat-G25-C50``.

    Args:
        name: any text.

    Returns:
        source, global_length and content_length; None if it is not such a name.
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
        most: number of tokens that fit.

    Raises:
        SD4MatchError: G or C is too small, or both together too long.
    """
    integers = isinstance(global_length, int) and isinstance(content_length, int)
    if not (integers and global_length >= 0 and 1 <= content_length <= most - global_length):
        raise SD4MatchError(
            f"cpm prompt has {global_length} global and {content_length} content tokens: it needs "
            f"whole numbers, at least 0 and 1, and at most {most} together"
        )


def check_template(template: str) -> None:
    """Refuse the template of a text prompt that has other fields than ``{category}``.

    Args:
        template: any text.

    Raises:
        SD4MatchError: other fields or unbalanced braces.
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
            f"prompt template {template!r} may have no field but {{category}}: remove others"
        )


def serving_category(learned: Collection[str], category: str) -> str | None:
    """Return the learned category whose prompt is used for another one.

    docs/explanation/method.md section 2.

    Args:
        learned: the categories that prompts were learned for.
        category: any category of any data set.

    Returns:
        The category itself, else the class it is an alias of ("car" for "car(G)"), else None.
    """
    alias = class_alias(category)
    return category if category in learned else alias if alias in learned else None
