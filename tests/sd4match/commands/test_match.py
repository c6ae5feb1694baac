"""``sd4match match``: real commands on nano."""

import json

import numpy as np
import pytest
from PIL import ExifTags, Image

from sd4match import prompts
from sd4match.datasets.own_images import image_pair
from sd4match.matching.readout import Readout
from sd4match.prediction.one_pair import match_pair

FAST = ("--backbone", "nano", "--device", "cpu", "--image-size", 64)


PASS = (*FAST, "--ensemble", 1)


@pytest.fixture(scope="module")
def files(pascal):
    pair = pascal["test"][0]
    return pair.source_path, pair.target_path


def is_picture(path):
    with Image.open(path) as image:
        return image.size[0] > 300 and np.asarray(image.convert("L")).std() > 5


@pytest.mark.slow
def test_a_line_a_point_and_a_picture(call, files, nano, latents, tmp_path):
    code, out, err = call(
        "match", *files, "--category", "cat", "--point", "12,30", "--point", "7.5,8",
        "--localizer", "nearest", "--layer", 2, *PASS, "--heatmap", "heat.png",
    )  # fmt: skip
    assert (code, err) == (0, "")
    with image_pair(*files, points=[(12, 30), (7.5, 8)], category="cat") as pair:
        found = match_pair(
            nano,
            prompts.create("text", nano),
            pair,
            ensemble=1,
            layer=2,
            readout=Readout("nearest"),
            latents=latents,
        )
    first, second, *pictures = out.splitlines()
    for i, (line, query) in enumerate(((first, "12,30"), (second, "7.5,8"))):
        (x, y), peak = found.positions[i], found.peaks[i]
        assert line == f"{i + 1}: {query} -> {x:.1f},{y:.1f}  correlation {peak:.3f}"
    assert pictures == ["matches.png", "heat.png"]
    assert all(is_picture(tmp_path / name) for name in pictures)


@pytest.mark.slow
def test_json_for_programs(call, files, tmp_path):
    code, out, _ = call(
        "match", *files, "--prompt", "empty", "--point", "12,30", *PASS, "--json", "--out", "m.png"
    )
    facts = json.loads(out)
    assert code == 0
    assert facts["pictures"] == ["m.png"]
    (row,) = facts["matches"]
    assert row["point"] == [12, 30]
    assert all(0 <= value <= 64 for value in row["match"])
    assert 0 < row["correlation"] <= 1


@pytest.mark.slow
def test_a_turned_photo_matches_as_its_upright_twin_and_is_drawn_so(call, files, tmp_path):
    upright = Image.open(files[0]).convert("RGB")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save("turned.png", exif=exif)
    upright.convert("RGBA").save("twin.png")  # also copied: the same bytes, so the same noise
    answers, pictures = [], []
    for name in ("turned.png", "twin.png"):
        point = f"{upright.width - 1},3"
        answers.append(
            call("match", name, files[1], "--prompt", "empty", "--point", point, *PASS)[1]
        )
        pictures.append((tmp_path / "matches.png").read_bytes())
    assert answers[0] == answers[1]
    assert pictures[0] == pictures[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "no point to match: give --point x,y"),
        (("--point", "12;30"), "--point 12;30: expected x,y in pixels"),
        (("--point", "1,2,3"), "--point 1,2,3: expected x,y"),
        (("--point", "500,2"), "point 500,2 is outside"),
        (("--point", "nan,2"), "is outside"),
        (("--point", "1,2"), "text prompt needs the category of the images"),
        (("--point", "1,2", "--out", "m.jpg"), "the name of a picture must end in .png"),
        (("--point", "1,2", "--heatmap", "h"), "the name of a picture must end in .png"),
        (("--point", "1,2", "--localizer", "near"), "unknown localizer 'near'"),
        (("--point", "1,2", "--prompt", "single"), "single must be learned first"),
        (("--point", "1,2", "--prompt", "none.safetensors"), "no prompt file at none.safetensors"),
        (("--point", "1,2", "--prompt", "empty", "--layer", 4), "layer 4"),
    ],
)
def test_mistakes_are_one_line_and_leave_no_picture(call, files, tmp_path, arguments, says):
    code, out, err = call("match", *files, *arguments, *PASS)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert says in err
    assert not list(tmp_path.glob("*.*"))


def test_a_missing_image_is_one_line(call, files):
    code, _, err = call("match", "none.jpg", files[1], "--point", "1,2", *PASS)
    assert (code, err) == (1, "error: none.jpg: no such image file\n")


def test_a_picture_is_not_written_over_another_file(call, files, tmp_path):
    mine = tmp_path / "mine.png"
    Image.open(files[0]).save(mine)
    before = mine.read_bytes()
    points = ("--point", "3,4", "--category", "cat", *PASS)
    for more in (("--out", mine), ("--out", "m.png", "--heatmap", "m.png")):
        code, _, err = call("match", mine, files[1], *points, *more)
        assert (code, err.count("\n")) == (1, 1)
        assert "over another file" in err
    assert mine.read_bytes() == before


def test_a_picture_that_cannot_be_written_is_refused(call, files, tmp_path):
    (tmp_path / "file").touch()
    points = ("--point", "3,4", "--category", "cat", *PASS)
    code, _, err = call("match", *files, *points, "--out", tmp_path / "file" / "m.png")
    assert (code, err.count("\n")) == (1, 1)
    assert "cannot be written" in err
