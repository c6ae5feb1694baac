"""Time to open SPair-71k's 53,340 training pairs, the first time and after that.

    python -m benchmarks dataset_index [number of pairs]

Writes the annotations to a temporary folder, with tiny images in place of photographs. Each time
is a fresh process's, imports included in the first column. Then the first opening in turns with a
reader that does what the original code's does at every start: it looks each file up by a pattern,
parses it, and makes a tensor of each of nine fields. Target: three times as fast.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from sd4match.datasets import CATEGORIES

N_PAIRS = 53_340
N_IMAGES = 59  # an image of each category; SPair-71k's training split has about 1,070 in all
SIZE = (500, 375)
ROUNDS = 3

OPEN = """
import sys, time
start = time.perf_counter()
from sd4match import datasets
imported = time.perf_counter()
pairs = datasets.load("spair", sys.argv[1], "train")
opened = time.perf_counter()
points = sum(len(pair.keypoint_ids) for pair in pairs)
walked = time.perf_counter()
pairs.fingerprint
hashed = time.perf_counter()
pairs.subset(range(0, len(pairs), 10)).fingerprint
print(imported - start, opened - imported, walked - opened, hashed - walked,
      time.perf_counter() - hashed)
"""


FIRST = """
import sys, time
from sd4match import datasets
start = time.process_time()
datasets.load("spair", sys.argv[1], "train")
print(time.process_time() - start)
"""

LIKE_THE_ORIGINAL = """
import glob, json, sys, time
import torch
folder = sys.argv[1] + "/SPair-71k"
start = time.process_time()
pairs = []
for line in open(folder + "/Layout/large/trn.txt").read().splitlines():
    path, = glob.glob(f"{folder}/PairAnnotation/trn/{line}.json")
    with open(path) as file:
        content = json.load(file)
    points = [torch.tensor(content[side + "_kps"]).t().float() for side in ("src", "trg")]
    boxes = [torch.tensor(content[side + "_bndbox"]).float() for side in ("src", "trg")]
    grades = [
        torch.tensor(content[name])
        for name in ("viewpoint_variation", "scale_variation", "truncation", "occlusion")
    ]
    pairs.append((points, boxes, grades, content["category"]))
print(time.process_time() - start)
"""


def write_spair(folder: Path, n_pairs: int) -> None:
    """Write a training split of random keypoints in SPair-71k's layout."""
    generator = np.random.default_rng(0)
    annotations = folder / "PairAnnotation" / "trn"
    annotations.mkdir(parents=True)
    for category in CATEGORIES["spair"]:
        (folder / "JPEGImages" / category).mkdir(parents=True)
        for i in range(N_IMAGES):
            shade = generator.integers(256, size=3).tolist()
            image = Image.new("RGB", SIZE, tuple(shade))
            image.save(folder / "JPEGImages" / category / f"2008_{i:06}.jpg")
    lines = []
    for i in range(n_pairs):
        category = CATEGORIES["spair"][i % len(CATEGORIES["spair"])]
        source, target = (f"2008_{j:06}" for j in generator.integers(N_IMAGES, size=2))
        n = int(generator.integers(1, 16))
        points = generator.integers(0, 375, size=(2, n, 2)).tolist()
        lines.append(f"{i + 1:06}-{source}-{target}:{category}")
        content = {
            "pair_id": i + 1, "category": category, "mirror": 0,
            "src_imname": f"{source}.jpg", "trg_imname": f"{target}.jpg",
            "src_imsize": [*SIZE, 3], "trg_imsize": [*SIZE, 3],
            "src_bndbox": [10, 20, 400, 300], "trg_bndbox": [15, 25, 410, 310],
            "src_kps": points[0], "trg_kps": points[1], "kps_ids": [str(k) for k in range(n)],
            "viewpoint_variation": 0, "scale_variation": 1, "truncation": 2, "occlusion": 3,
        }  # fmt: skip
        (annotations / f"{lines[-1]}.json").write_text(json.dumps(content))
    (folder / "Layout" / "large").mkdir(parents=True)
    (folder / "Layout" / "large" / "trn.txt").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Print the times."""
    n_pairs = int(sys.argv[1]) if len(sys.argv) > 1 else N_PAIRS
    with tempfile.TemporaryDirectory() as root:
        write_spair(Path(root) / "SPair-71k", n_pairs)
        print(f"{n_pairs:,} SPair-71k training pairs, seconds")
        print("        import   open  every pair  fingerprint  of a tenth")
        for name in ("first", "second", "third"):
            times = seconds(OPEN, root)
            print(f"{name:7} {times[0]:6.2f} {times[1]:6.2f} {times[2]:11.2f} {times[3]:12.2f} "
                  f"{times[4]:11.2f}")  # fmt: skip
        first, original = [], []
        for _ in range(ROUNDS):
            shutil.rmtree(Path(root) / "SPair-71k" / ".sd4match")
            first += seconds(FIRST, root)
            original += seconds(LIKE_THE_ORIGINAL, root)
        ratio = min(original) / min(first)
        print(
            f"CPU seconds of the first opening, the best of {ROUNDS}: {min(first):.2f}; of a "
            f"reader like the original's: {min(original):.2f}, {ratio:.1f} times as many"
        )


def seconds(program: str, root: str) -> list[float]:
    """The numbers that a Python program prints, in a process of its own."""
    command = [sys.executable, "-c", program, root]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(word) for word in output.split()]


if __name__ == "__main__":
    main()
