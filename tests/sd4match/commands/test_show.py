"""``sd4match show grid | heatmap``: real commands on nano."""

import shutil

import numpy as np
import pytest
from PIL import Image

FAST = ("--backbone", "nano", "--device", "cpu", "--image-size", 64)


PASS = (*FAST, "--ensemble", 1)


def is_picture(path):
    with Image.open(path) as image:
        return image.size[0] > 300 and np.asarray(image.convert("L")).std() > 5


def predictions(call, root, *arguments):
    code, _, err = call(
        "predict", "runs/p.parquet", "--data", root, "--dataset", "pf_pascal", "--prompt", "text",
        *arguments, *PASS,
    )  # fmt: skip
    assert code == 0, err
    return "runs/p.parquet"


@pytest.mark.slow
def test_grid_draws_what_was_predicted(call, pascal_root, tmp_path):
    file = predictions(call, pascal_root, "--layer", 1, "--layer", 2)
    for order in ("worst", "best", "random"):
        code, out, err = call(
            "show", "grid", file, "--data", pascal_root, "--order", order, "--count", 3,
            "--setting", 2, "--out", f"{order}.png",
        )  # fmt: skip
        assert (code, out, err) == (0, f"{order}.png\n", "")
        assert is_picture(tmp_path / f"{order}.png")
    assert (tmp_path / "worst.png").read_bytes() != (tmp_path / "best.png").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--setting", 2), "--setting 2: runs/p.parquet holds 1"),
        (("--order", "bad"), "unknown order 'bad'"),
        (("--alpha", 0), "alpha"),
    ],
)
def test_grid_names_the_mistake(call, pascal_root, arguments, says):
    file = predictions(call, pascal_root, "--pairs", 3)
    code, _, err = call("show", "grid", file, "--data", pascal_root, *arguments)
    assert (code, err.count("\n")) == (1, 1)
    assert says in err


@pytest.mark.slow
def test_grid_refuses_other_data(call, pascal_root, tmp_path):
    file = predictions(call, pascal_root)
    other = tmp_path / "other"
    shutil.copytree(pascal_root, other)
    for image in (other / "pf-pascal/PF-dataset-PASCAL/JPEGImages").iterdir():
        image.write_bytes(image.read_bytes() + b"\0")
    code, _, err = call("show", "grid", file, "--data", other)
    assert (code, err.count("\n")) == (1, 1)
    assert "holds another pf_pascal than the one of these predictions" in err
    assert call("show", "grid", "none.parquet", "--data", other)[0] == 1


def heatmap(call, root, *arguments):
    where = ("--data", root, "--dataset", "pf_pascal", "--prompt", "empty", "--prompt", "text")
    return call("show", "heatmap", *where, *arguments, *PASS)


@pytest.mark.slow
def test_heatmap_of_a_pair_by_number_or_id(call, pascal, pascal_root, tmp_path):
    pictures = []
    for pair in ("1", pascal["test"][0].id):
        code, out, err = heatmap(
            call, pascal_root, "--pair", pair, "--keypoint", 3, "--keypoint", 1
        )
        assert (code, out, err) == (0, "heatmap.png\n", "")
        pictures.append((tmp_path / "heatmap.png").read_bytes())
    assert pictures[0] == pictures[1]
    assert is_picture(tmp_path / "heatmap.png")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--pair", "8"), "--pair 8: pf_pascal test has no such pair"),
        (("--pair", "0"), "a number from 1 to 7"),
        (("--pair", "cat"), "--pair cat"),
        (("--pair", "1", "--keypoint", 4), "has 3 keypoints"),
        (("--pair", "3"), "--keypoint 1: pair"),
    ],
)
def test_heatmap_names_the_mistake(call, pascal_root, arguments, says):
    code, _, err = heatmap(call, pascal_root, *arguments)
    assert (code, err.count("\n")) == (1, 1)
    assert says in err


@pytest.mark.parametrize(
    "command", [("match",), *(("show", name) for name in ("grid", "heatmap", "pca", "generate"))]
)
def test_help_shows_an_example(call, command):
    code, out, _ = call(*command, "--help")
    assert code == 0
    assert f"Example: sd4match {' '.join(command)}" in " ".join(out.split())
