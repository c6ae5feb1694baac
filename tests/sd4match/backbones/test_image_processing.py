"""Preparing images as an encoder's own processor does, from each form of its files."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

from sd4match.backbones.image_processing import read_processing
from sd4match.errors import SD4MatchError
from sd4match.features.contents import prepare

SETTINGS = {
    "size": {"shortest_edge": 40},
    "crop_size": {"height": 28, "width": 28},
    "resample": 3,
    "image_mean": [0.4, 0.5, 0.6],
    "image_std": [0.2, 0.3, 0.4],
}
EXACT = {"size": {"height": 28, "width": 28}, "do_center_crop": False, "resample": 2}


def write(folder, settings, name="preprocessor_config.json"):
    (folder / name).write_text(json.dumps(settings))


def image(width=61, height=45):
    pixels = np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def prepared(folder, size=(61, 45)):
    return prepare(image(*size), SimpleNamespace(processing=read_processing(folder)))


@pytest.mark.parametrize(
    ("size", "change"),
    [
        *(((w, h), {}) for w, h in [(61, 45), (45, 61), (40, 40), (300, 41), (29, 100)]),
        ((61, 45), EXACT),
        ((61, 45), {"size": {"height": 30, "width": 50}}),
        ((61, 45), {"size": {"shortest_edge": 20}}),
        ((61, 45), {"do_resize": False}),
        ((61, 45), {"do_rescale": False}),
        ((61, 45), {"rescale_factor": 0.5}),
        ((61, 45), {"do_normalize": False}),
        ((61, 45), {"do_normalize": False, "image_mean": None}),
        ((61, 45), {"size": 40, "crop_size": 28}),
    ],
)
def test_images_are_prepared_as_transformers_does(tmp_path, size, change):
    write(tmp_path, SETTINGS | change)
    processor = BitImageProcessorPil.from_pretrained(tmp_path)
    expected = processor(image(*size), return_tensors="pt").pixel_values[0]
    torch.testing.assert_close(prepared(tmp_path, size), expected)


def test_transformers_5_saves_the_settings_of_a_whole_processor_elsewhere(tmp_path):
    write(tmp_path, SETTINGS)
    expected = prepared(tmp_path)
    (tmp_path / "preprocessor_config.json").unlink()
    write(tmp_path, {"image_processor": SETTINGS}, "processor_config.json")
    assert torch.equal(prepared(tmp_path), expected)


def test_the_settings_of_a_whole_processor_come_first_as_in_transformers(tmp_path):
    write(tmp_path, {"image_processor": SETTINGS}, "processor_config.json")
    write(tmp_path, SETTINGS | {"resample": 0})
    assert read_processing(tmp_path).resample == 3
    write(tmp_path, {"processor_class": "CLIPProcessor"}, "processor_config.json")
    assert read_processing(tmp_path).resample == 0


@pytest.mark.parametrize(
    "change",
    [
        {"image_mean": None},
        {"image_std": [1.0, 2.0]},
        {"resample": 99},
        {"size": None},
        {"size": {"longest_edge": 40}},
        {"size": {"shortest_edge": 40, "longest_edge": 80}},
        {"crop_size": {"height": 28, "width": 42}},
        {"do_center_crop": False},
        {"rescale_factor": 0},
        {"do_pad": True},
    ],
)
def test_what_is_missing_or_not_supported_is_refused_in_one_line(tmp_path, change):
    write(tmp_path, SETTINGS | change)
    with pytest.raises(
        SD4MatchError, match=r"config\.json: .*(fetch the file again|only do_)"
    ) as said:
        read_processing(tmp_path)
    assert "\n" not in str(said.value)
