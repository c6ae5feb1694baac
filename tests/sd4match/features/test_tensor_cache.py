"""Memory that has a limit."""

import torch

from sd4match.features.tensor_cache import TensorCache


def test_what_was_used_last_stays_in_memory():
    made = []
    cache = TensorCache(None, memory=3 * 8)

    def get(key):
        def make():
            made.append(key)
            return torch.zeros(1, dtype=torch.float64)

        return cache.get(key, make)

    for key in "abcacdab":  # "d" drops "b"; "b" drops "c"
        get(key)
    assert "".join(made) == "abcdb"
    get("d")
    get("c")
    assert "".join(made) == "abcdbc"


def test_a_tensor_over_the_limit_is_kept_alone():
    cache = TensorCache(None, memory=8)
    big = cache.get("big", lambda: torch.zeros(100))
    assert cache.get("big", lambda: torch.ones(1)) is big
    cache.get("small", lambda: torch.zeros(1))
    assert cache.get("big", lambda: torch.ones(1)) is not big
