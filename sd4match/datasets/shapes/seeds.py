"""Randomness by name: what something is called determines how it is drawn."""

import hashlib
import json

import numpy as np


def generator(seed: int, *name: str | int) -> np.random.Generator:
    """A generator for one named thing, independent of all others and of their number.

    Args:
        seed: the benchmark's seed.
        *name: say data set, split, category and index.
    """
    digest = hashlib.sha256(json.dumps([seed, *name]).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
