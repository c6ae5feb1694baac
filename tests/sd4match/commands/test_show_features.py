"""``sd4match show pca | generate``: real commands on nano."""

import numpy as np
import pytest
from PIL import Image

from sd4match import prompts

pytestmark = pytest.mark.slow

FAST = ("--backbone", "nano", "--device", "cpu", "--image-size", 64)


PASS = (*FAST, "--ensemble", 1)


@pytest.fixture(scope="module")
def files(pascal):
    pair = pascal["test"][0]
    return pair.source_path, pair.target_path


def is_picture(path):
    with Image.open(path) as image:
        return image.size[0] > 300 and np.asarray(image.convert("L")).std() > 5


def test_pca_of_own_images(call, files, tmp_path):
    code, out, err = call(
        "show", "pca", *files, files[0], "--category", "cat", "--layer", 2, "--layer", 0, *PASS
    )
    assert (code, out, err) == (0, "pca.png\n", "")
    assert is_picture(tmp_path / "pca.png")


def test_generate_for_each_kind_of_prompt(call, files, nano, tmp_path):
    made = {
        "class": prompts.create("class", nano, length=2, categories=["cat", "dog"]),
        "cpm": prompts.create("Pair-DINO-Head-G2-C3", nano),
    }
    for name, prompt in made.items():
        prompts.save(prompt, tmp_path / name / "prompt.safetensors")
    images = [word for file in files for word in ("--image", file)]
    for arguments in (
        ("--prompt", "class/prompt.safetensors"),
        ("--prompt", "cpm/prompt.safetensors", *images),
        ("--prompt", "text", "--category", "cat"),
        ("--prompt", "empty"),
    ):
        code, out, err = call("show", "generate", *arguments, "--steps", 2, *FAST)
        assert (code, out, err) == (0, "generated.png\n", "")
        assert is_picture(tmp_path / "generated.png")
        (tmp_path / "generated.png").unlink()
    code, _, err = call("show", "generate", "--prompt", "text", "--steps", 2, *FAST)
    assert (code, err.count("\n")) == (1, 1)
    assert "needs a category" in err
