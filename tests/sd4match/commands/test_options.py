"""Shared options of the commands."""

import pytest

from sd4match.commands import options
from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Readout


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("text", "text"),
        ("runs/single/prompt.safetensors", "single"),
        ("runs/mine.safetensors", "mine"),
        ("prompt.safetensors", "prompt"),
    ],
)
def test_what_pictures_call_a_prompt(name, expected):
    assert options.label(name) == expected


def test_readouts_are_all_combinations():
    assert options.readouts((), (), (), ()) == [Readout()]
    made = options.readouts(("dense", "kernel_softmax"), (3.0, 5.0), (), (False,))
    assert made[2:] == [Readout(kernel_sigma=width, l2_normalize=False) for width in (3, 5)]
    assert set(made[:2]) == {Readout("dense", l2_normalize=False)}


@pytest.mark.parametrize(
    ("localizers", "kernels", "temperatures", "says"),
    [
        (("dense",), (3.0,), (), "--kernel does not apply to --localizer dense: leave it out"),
        (("softmax", "nearest"), (3.0,), (), "--kernel does not apply to --localizer softmax and"),
        (("bilinear",), (), (0.1,), "--temperature does not apply to --localizer bilinear"),
    ],
)
def test_a_setting_that_no_localizer_uses_is_refused(localizers, kernels, temperatures, says):
    with pytest.raises(SD4MatchError, match=says):
        options.readouts(localizers, kernels, temperatures, ())


@pytest.mark.parametrize("given", [["dino"], ["dino="], ["dino=a", "dino=b"]])
def test_an_image_encoder_has_a_kind_and_a_name_once(given):
    with pytest.raises(SD4MatchError, match="write dino=NAME or clip=NAME, each once"):
        options.load_backbone(
            "nano", revision=None, image_encoders=given, device="cpu", dtype="auto"
        )
