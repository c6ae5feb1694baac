"""Training captions of the UNet: empty, plain, full, or names of landmarks."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sd4match.testbed.nano.training.corpus import NAMES
from sd4match.testbed.shapes.category import CATEGORIES

TOKENS = 77
ANOTHER = 255
"""Owner of a word that names a landmark of another category."""

EMPTY, PLAIN, FULL, BARE = "empty", "plain", "full", "bare"
_KINDS = {EMPTY: 0.1, PLAIN: 0.45, FULL: 0.3, BARE: 0.15}
_DESCRIBED = {EMPTY: 0.1, PLAIN: 0.35, FULL: 0.55}
_NAMED = 0.7  # of the captions that are not empty, those that name landmarks too
_OTHERS = tuple(sorted({name for kind in CATEGORIES.values() for name in kind.keypoints}))


class Saying(NamedTuple):
    """The caption of the two images of a pair.

    Attributes:
        kind: "empty": no text; "plain": "a photo of a car"; "full": the drawing's own caption;
            "bare": only names of landmarks.
        names: names of landmarks in order; some belong to other categories.
    """

    kind: str
    names: tuple[str, ...]


def describe(rng: np.random.Generator) -> Saying:
    """Choose a caption as people write them, or none, for learning to generate."""
    return Saying(str(rng.choice(list(_DESCRIBED), p=list(_DESCRIBED.values()))), ())


def choose(category: int, rng: np.random.Generator) -> Saying:
    """Choose the caption of a pair for learning the names of landmarks.

    Args:
        category: index in ``NAMES``.
        rng: source of randomness.
    """
    kind = str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
    if kind == EMPTY or (kind != BARE and rng.random() >= _NAMED):
        return Saying(kind, ())
    own = CATEGORIES[NAMES[category]].keypoints
    chosen = {own[i] for i in rng.permutation(len(own))[: rng.integers(1, len(own) + 1)]}
    if rng.random() < 0.5:
        chosen |= set(rng.choice(_OTHERS, size=rng.integers(1, 11), replace=False).tolist())
    ordered = sorted(chosen)
    return Saying(kind, tuple(ordered[i] for i in rng.permutation(len(ordered))))


class Speller:
    """Captions as token ids, by a vocabulary in which every word is one token.

    Args:
        vocabulary: token -> id, as in ``vocab.json``.
    """

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._ids = vocabulary

    def spell(
        self, saying: Saying, category: int, caption: str
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Convert a caption to tokens, with as many names of landmarks as fit.

        Args:
            saying: the caption.
            category: index in ``NAMES``.
            caption: the drawing's own caption.

        Returns:
            (77,) token ids, and (77,) the landmark that each token names: 0 for none, 1 + id for
            one of the category, 255 for one of another category.
        """
        sentences = {PLAIN: f"a photo of {article(NAMES[category])}", FULL: caption}
        words = sentences.get(saying.kind, "").split()
        owners = [0] * len(words)
        own = CATEGORIES[NAMES[category]].keypoints
        for name in saying.names:
            comma, spoken = [","] if words else [], name.split()
            if len(words) + len(comma) + len(spoken) > TOKENS - 2:
                break
            words += comma + spoken
            owner = 1 + own.index(name) if name in own else ANOTHER
            owners += [0] * len(comma) + [owner] * len(spoken)
        begin, end = self._ids["<|startoftext|>"], self._ids["<|endoftext|>"]
        ids = [begin, *(self._ids[f"{word}</w>"] for word in words), end]
        # Token 0 pads, as in Stable Diffusion 2.
        return _padded(ids), _padded([0, *owners])


def article(noun: str) -> str:
    """Put "a" or "an" before a noun."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _padded(row: Sequence[int]) -> NDArray[np.int64]:
    padded = np.zeros(TOKENS, np.int64)
    padded[: len(row)] = row
    return padded
