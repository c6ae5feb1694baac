"""Devices and floating-point types by name."""

import pytest
import torch

from sd4match import backbones
from sd4match.errors import SD4MatchError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "device 'gpu': use auto"),
        ({"device": "meta"}, "device 'meta': use auto"),
        ({"device": "cuda:99"}, "device cuda:99: torch sees"),
        ({"dtype": "fp8"}, "unknown dtype 'fp8': known: auto, float32"),
        ({"dtype": torch.int8}, "unknown dtype 'int8': known"),
    ],
)
def test_unknown_device_or_dtype(options, message):
    with pytest.raises(SD4MatchError, match=message):
        backbones.load("nano", **options)
