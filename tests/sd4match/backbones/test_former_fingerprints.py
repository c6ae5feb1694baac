"""Former fingerprints of the same folder are known; others are not."""

import pytest

from sd4match.backbones import identify, identify_image_encoder
from sd4match.backbones.former_fingerprints import (
    is_former_fingerprint,
    is_former_image_encoder_fingerprint,
)

NANO = "2058cf716080bdc89c551067f8059f515df91a97a91ad49b1980659082716652"
DINO = "2f39dfe86a713ddb233adec9206c910c065853ea8ac442bfadd436996f3c6edf"
"""As they were pinned until the fingerprints changed."""


@pytest.mark.parametrize(
    ("fingerprint", "name", "is_former"),
    [
        (NANO, "nano", True),
        (NANO, "nobody/nothing", False),
        (NANO, "no such folder", False),
    ],
)
def test_former_fingerprints_of_backbones(fingerprint, name, is_former):
    assert is_former_fingerprint(fingerprint, name) == is_former


def test_other_fingerprints_are_no_former_ones(tiny):
    assert not is_former_fingerprint(NANO, str(tiny))
    assert not is_former_fingerprint(identify("nano"), "nano")
    encoder = "nano/image_encoder"
    assert not is_former_image_encoder_fingerprint(identify_image_encoder(encoder), encoder)


@pytest.mark.parametrize(
    ("fingerprint", "name", "is_former"),
    [
        (DINO, "nano/image_encoder", True),
        (DINO, "nobody/nothing", False),
        (DINO, "no such folder", False),
    ],
)
def test_former_fingerprints_of_image_encoders(fingerprint, name, is_former):
    assert is_former_image_encoder_fingerprint(fingerprint, name) == is_former
