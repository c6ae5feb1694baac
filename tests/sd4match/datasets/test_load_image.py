"""Images come as RGB, in stored orientation."""

import numpy as np
import pytest
from PIL import Image

from sd4match import datasets


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
