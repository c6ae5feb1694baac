"""Images come as RGB, in stored orientation."""

import shutil

import numpy as np
import pytest
from PIL import Image

from sd4match import datasets
from sd4match.errors import SD4MatchError


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA"])
def test_every_image_comes_as_rgb(root, mode):
    pair = datasets.load("pf_willow", root, "test")[0]
    with Image.open(pair.source_path) as file:
        stored = file.convert(mode)
    stored.save(pair.source_path)
    image = datasets.load_image(pair, "source")
    assert image.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(image), np.asarray(stored.convert("RGB")))


def test_exif_orientation_is_left_alone(root):
    pair = datasets.load("spair", root, "test")[0]
    with Image.open(pair.source_path) as file:
        file.load()
    images = []
    for orientation in (1, 6):  # upright, turned by 90 degrees
        exif = Image.Exif()
        exif[0x0112] = orientation
        file.save(pair.source_path, exif=exif)
        images.append(np.asarray(datasets.load_image(pair, "source")))
    np.testing.assert_array_equal(*images)


SPAIR_JPG = "SPair-71k/JPEGImages/cat/2007_000001.jpg"


def test_images_that_cannot_be_loaded(root):
    pair = datasets.load("spair", root, "test")[0]
    path = root / SPAIR_JPG
    with pytest.raises(SD4MatchError, match="unknown side 'left'"):
        datasets.load_image(pair, "left")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SD4MatchError, match=r"2007_000001\.jpg: expected a readable image"):
        datasets.load_image(pair, "source")
    shutil.copy(pair.target_path, path)
    with pytest.raises(SD4MatchError, match="35x45, but its annotation is for 40x30"):
        datasets.load_image(pair, "source")
    path.unlink()
    with pytest.raises(SD4MatchError, match=r"2007_000001\.jpg: missing image"):
        datasets.load_image(pair, "source")
    assert datasets.load_image(pair, "target").size == pair.target_size
