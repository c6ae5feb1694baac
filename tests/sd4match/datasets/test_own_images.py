"""A user's own files as a pair."""

import numpy as np
import pytest
from PIL import ExifTags, Image

from sd4match.datasets import load_image
from sd4match.datasets.own_images import image_pair, images
from sd4match.errors import SD4MatchError

SIZE = (12, 8)


@pytest.fixture
def photo():
    """Random colours of 12 x 8 pixels."""
    colours = np.random.default_rng(0).integers(256, size=(8, 12, 3), dtype=np.uint8)
    return Image.fromarray(colours)


def loaded(path):
    with image_pair(path, path) as pair:
        image = load_image(pair, "source")
        assert image.size == pair.source_size == pair.target_size
        return np.asarray(image)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "1"])
def test_what_is_stored_upright_is_read_from_its_own_file(photo, tmp_path, mode):
    path = tmp_path / "a.tif"
    stored = photo.convert(mode)
    stored.save(path)
    with image_pair(path, path) as pair:
        assert pair.source_path == pair.target_path == path
    np.testing.assert_array_equal(loaded(path), np.asarray(stored.convert("RGB")))


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_photo_is_seen_as_a_viewer_shows_it(photo, tmp_path, orientation):
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = photo.transpose(turns[orientation])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(loaded(tmp_path / "a.png"), np.asarray(photo))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(photo, tmp_path, mode):
    alpha = Image.new("L", SIZE, 255)
    alpha.paste(0, (0, 0, 6, 8))
    photo.putalpha(alpha)
    photo.convert(mode).save(tmp_path / "a.png")
    seen = loaded(tmp_path / "a.png")
    assert (seen[:, :6] == 255).all()
    assert (seen[:, 6:] < 255).any()


def test_sixteen_bits_keep_their_range(tmp_path):
    levels = np.linspace(0, 65535, 96).astype(np.uint16).reshape(8, 12)
    Image.fromarray(levels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(loaded(tmp_path / "a.png")[..., 0], levels // 257)


def test_copies_are_gone_after_the_block(photo, tmp_path):
    photo.convert("RGBA").save(tmp_path / "a.png")
    with image_pair(tmp_path / "a.png", tmp_path / "a.png") as pair:
        assert pair.source_path.is_file()
        assert pair.source_path.parent != tmp_path
    assert not pair.source_path.exists()
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_the_pair_has_the_points_and_no_truth(photo, tmp_path):
    photo.save(tmp_path / "a.png")
    photo.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "b.png")
    points = [(0, 0), (12, 8), (3.5, 2)]
    with image_pair(tmp_path / "a.png", tmp_path / "b.png", points=points) as pair:
        assert pair.source_keypoints.tolist() == [list(point) for point in points]
        assert np.isnan(pair.target_keypoints).all()
        assert (pair.source_size, pair.target_size, pair.category) == ((12, 8), (8, 12), "")


@pytest.mark.parametrize("point", [(-0.5, 1), (12.5, 1), (1, 8.1), (float("nan"), 1)])
def test_a_point_outside_is_refused(photo, tmp_path, point):
    photo.save(tmp_path / "a.png")
    with (
        pytest.raises(SD4MatchError, match=r"is outside .*a.png, which is 12 pixels wide and 8"),
        image_pair(tmp_path / "a.png", tmp_path / "a.png", points=[point]),
    ):
        pass


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "a.png: no such image file"),
        (b"", "a.png: not a readable image"),
        (b"text", "a.png: not a readable image"),
        ("cut", "a.png: not a readable image"),
    ],
)
def test_an_unreadable_file_is_one_line(photo, tmp_path, content, says):
    path = tmp_path / "a.png"
    if content == "cut":
        photo.resize((200, 200)).save(path)
        content = path.read_bytes()[:2000]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SD4MatchError, match=says) as error, image_pair(path, path):
        pass
    assert "\n" not in str(error.value)


def test_floats_have_no_known_white(tmp_path):
    Image.fromarray(np.ones((8, 12), dtype=np.float32)).save(tmp_path / "a.tif")
    with (
        pytest.raises(SD4MatchError, match="32 bits per pixel"),
        image_pair(tmp_path / "a.tif", tmp_path / "a.tif"),
    ):
        pass


@pytest.mark.parametrize("count", range(5))
def test_images_make_pairs_two_by_two(photo, tmp_path, count):
    files = [tmp_path / f"{i}.png" for i in range(count)]
    for file in files:
        photo.save(file)
    with images(files, category="cat") as opened:
        seen = [pair.source_path if side == "source" else pair.target_path for pair, side in opened]
        assert seen == files
        assert [side for _, side in opened] == (["source", "target"] * 3)[:count]
        assert {pair.category for pair, _ in opened} <= {"cat"}
        assert len({id(pair) for pair, _ in opened}) == (count + 1) // 2
