"""docs/how-to/data-set.md as printed: its reader, its two lines and its commands on new data."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "data-set.md"
SPLITS = {"train": 6, "val": 3, "test": 3}  # pairs of each of two categories
RUN = """
import json, sys
import sd4match.cli, study.cli
for words in json.loads(sys.argv[1]):
    sys.argv = words
    try:
        {"sd4match": sd4match.cli, "study": study.cli}[words[0]].main()
    except SystemExit as end:
        if end.code:
            sys.exit(f"{words} ended with {end.code}")
"""


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the model package in which a reader of the guide followed it."""
    folder = tmp_path_factory.mktemp("package")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "sd4match", folder / "sd4match", ignore=ignore)
    (reader,) = blocks("python")
    (folder / "sd4match/datasets/mine.py").write_text(reader)
    (lines,) = (block for block in blocks("text") if "BENCHMARKS" in block)
    added, entry = lines.splitlines()
    registry = folder / "sd4match/datasets/benchmarks.py"
    text, found = re.subn(
        r"^BENCHMARKS\b.*?^(?:\}|\)|(?=\"\"\"))", f"{entry}\n", registry.read_text(),
        count=1, flags=re.MULTILINE | re.DOTALL,
    )  # fmt: skip
    assert found == 1
    last = [m.end() for m in re.finditer(r"^from sd4match\S+ import .*\n", text, re.MULTILINE)][-1]
    registry.write_text(f"{text[:last]}{added}\n{text[last:]}")
    return folder


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with the data set that the guide describes, and a small quickstart."""
    folder = tmp_path_factory.mktemp("desk")
    made = np.random.default_rng(0)
    images = folder / "data/mine/images"
    images.mkdir(parents=True)
    for split, pairs in SPLITS.items():
        entries = []
        for number in range(2 * pairs):
            names = [f"images/{split}{number}{side}.png" for side in "ab"]
            for name in names:
                pixels = made.integers(0, 255, (12, 16, 3), dtype=np.uint8)
                image = Image.fromarray(pixels).resize((96, 72), Image.Resampling.BICUBIC)
                image.save(folder / "data/mine" / name)
            points = made.integers(4, 68, (2, 5, 2)).tolist()
            category = ("mug", "teapot")[number % 2]
            entries.append({"category": category, "images": names, "points": points})
        (folder / f"data/mine/{split}.json").write_text(json.dumps(entries))
    space = yaml.safe_load((ROOT / "search_spaces/quickstart.yaml").read_text())
    space["axes"] = {"prompt": ["empty", "single", "class"], "layer": [1, 2]}
    space["baseline"]["length"] = 4
    space["data"]["pairs"], space["recipe"]["steps"] = 4, 4
    (folder / "search_spaces").mkdir()
    (folder / "search_spaces/quickstart.yaml").write_text(yaml.safe_dump(space))
    return folder


def run(code, package, desk, *arguments):
    path = os.pathsep.join([str(package), str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=desk, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("first", ["sd4match.datasets.mine", "sd4match.datasets", "study.cli"])
def test_the_reader_imports_in_any_order(package, desk, first):
    code = f"import {first}\nfrom sd4match.datasets import NAMES\nassert 'mine' in NAMES, NAMES"
    assert (done := run(code, package, desk)).returncode == 0, done.stderr


@pytest.mark.slow
def test_every_command_of_the_guide_works(package, desk):
    (block,) = (block for block in blocks("bash") if "--dataset mine" in block)
    words = [shlex.split(line, comments=True) for line in block.splitlines()]
    done = run(RUN, package, desk, json.dumps(words))
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    table = done.stdout.partition("PCK by prompt and dataset\n")[2].split("\n\n")[0].split("\n")
    assert next(line.split()[:2] for line in table if line) == ["prompt", "mine"], table
    assert any(line.startswith("single") for line in table)
    verify = [["sd4match", "data", "verify", "mine", "data"]]
    checked = run(RUN, package, desk, json.dumps(verify))
    assert "Traceback" not in checked.stderr
    assert "mine" in checked.stdout + checked.stderr
