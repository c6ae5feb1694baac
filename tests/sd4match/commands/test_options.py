"""Shared options of the commands."""

import pytest

from sd4match.commands import options


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
