"""Images come as RGB, in the frame of their annotations."""

import hashlib
import shutil

import numpy as np
import pytest
from PIL import Image, ImageOps

from sd4match import datasets
from sd4match.datasets.images import changes, read_image
from sd4match.datasets.own_images import image_pair
from sd4match.errors import SD4MatchError


@pytest.fixture
def willow(root):
    """A pair of PNG images, and the random colors of its source."""
    pair = datasets.load("pf_willow", root, "test")[0]
    width, height = pair.source_size
    colors = np.random.default_rng(0).integers(256, size=(height, width, 3), dtype=np.uint8)
    return pair, Image.fromarray(colors)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK", "1"])
def test_every_image_comes_as_rgb(willow, mode):
    pair, colors = willow
    stored = colors.convert(mode)
    stored.save(pair.source_path, format="TIFF")
    image = datasets.load_image(pair, "source")
    assert image.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(image), np.asarray(stored.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_benchmarks_images_are_read_and_hashed_as_their_pixels_and_bytes(willow, mode):
    pair, colors = willow
    colors.convert(mode).save(pair.source_path)
    with Image.open(pair.source_path) as file:
        pixels = np.asarray(file.convert("RGB"))
        assert not changes(file)
    np.testing.assert_array_equal(np.asarray(datasets.load_image(pair, "source")), pixels)
    plain = hashlib.sha256(pair.source_path.read_bytes()).hexdigest()
    assert datasets.content_hash(pair.source_path) == plain


@pytest.mark.parametrize("kind", ["I;16", "RGBA", "LA", "P"])
def test_own_images_are_read_as_match_reads_them(willow, tmp_path, kind):
    pair, colors = willow
    if kind == "I;16":
        gray = np.asarray(colors.convert("L"))
        stored = Image.fromarray(gray.astype(np.uint16) * 257)
        expected = np.repeat(gray[..., None], 3, axis=2)
    else:
        alpha = Image.new("L", colors.size, 0)
        alpha.paste(255, (0, 0, 4, 4))
        stored = colors.convert("L" if kind == "LA" else "RGB")
        stored.putalpha(alpha)
        if kind == "P":
            stored = stored.convert("RGBA").quantize(16)
        opaque = np.asarray(stored.convert("RGBA"))
        expected = np.where(opaque[..., 3:] > 0, opaque[..., :3], 255)
    stored.save(pair.source_path)
    image = np.asarray(datasets.load_image(pair, "source"))
    np.testing.assert_array_equal(image, expected)
    assert (image[-1, -1] == 255).all() or kind == "I;16"
    with image_pair(pair.source_path, pair.source_path) as own:
        np.testing.assert_array_equal(np.asarray(datasets.load_image(own, "source")), image)
    # Results that were stored when the image was read otherwise are not taken.
    plain = hashlib.sha256(pair.source_path.read_bytes()).hexdigest()
    assert datasets.content_hash(pair.source_path) != plain


@pytest.mark.parametrize("kind", ["I", "F"])
def test_32_bits_are_refused_rather_than_clipped(willow, kind):
    pair, colors = willow
    colors.convert("L").convert(kind).save(pair.source_path, format="TIFF")
    with pytest.raises(SD4MatchError, match="white is not defined for 32 bits"):
        datasets.load_image(pair, "source")


@pytest.mark.parametrize("turned", range(2, 9))
@pytest.mark.parametrize("annotated", ["stored", "upright"])
def test_exif_orientation_is_applied_or_refused(tmp_path, turned, annotated):
    stored = Image.new("RGB", (40, 30), "gray")
    stored.paste("red", (0, 0, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = turned
    file = tmp_path / "a.png"
    stored.save(file, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(file))
    size = stored.size if annotated == "stored" else upright.size
    if turned in (5, 6, 7, 8) and annotated == "upright":
        image, done = read_image(file, size)
        np.testing.assert_array_equal(np.asarray(image), np.asarray(upright))
        assert done == [f"turned upright (EXIF orientation {turned})"]
    else:
        with pytest.raises(SD4MatchError, match=f"EXIF turns the image .orientation {turned}"):
            read_image(file, size)


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
