"""Captions of drawings."""

from collections.abc import Mapping

import numpy as np

from sd4match.testbed.shapes.category import Category


def describe(
    kind: Category, colours: Mapping[str, str], place: str, rng: np.random.Generator
) -> str:
    """Write a caption: category and color, one or two parts and their colors, the background.

    Args:
        kind: the category.
        colours: visible part -> color word, the most important first.
        place: words for the background, such as "on green grass".
        rng: chooses the parts.

    Returns:
        "a photo of a red car with dark wheels and silver windows on a grey road".
    """
    word = colours.get(kind.main)
    noun = f"{word} {kind.name}" if word else kind.name
    others = [part for part in colours if part not in (kind.main, "body")]
    count = min(len(others), int(rng.integers(1, 3)))
    chosen = [others[i] for i in sorted(rng.permutation(len(others))[:count].tolist())]
    parts = " and ".join(_with_article(f"{colours[part]} {part}") for part in chosen)
    return f"a photo of {_with_article(noun)}{' with ' if parts else ''}{parts} {place}"


def _with_article(noun: str) -> str:
    if noun.endswith(("s", "feet", "wool", "soil")) and not noun.endswith("bus"):
        return noun
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
