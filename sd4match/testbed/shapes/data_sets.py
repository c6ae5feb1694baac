"""Writing the three data sets: their images, pairs and folders."""

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
from PIL import Image

from sd4match.datasets.benchmark import PF_PASCAL, PF_WILLOW, object_name
from sd4match.testbed.shapes import benchmark_formats
from sd4match.testbed.shapes.annotated_drawing import Drawing, draw
from sd4match.testbed.shapes.benchmark_formats import Shot
from sd4match.testbed.shapes.category import SHARED
from sd4match.testbed.shapes.style import CLUTTERED, GENERAL, PF_WILLOW as STUDIO, Style, named_rng

Split = str
_YEARS = {"trn": 2021, "val": 2022, "test": 2023}  # the splits in PASCAL's file names
_SPAIR_IMAGES = {"trn": 14, "val": 6, "test": 9}  # per category
_PASCAL_IMAGES = {"trn": 10, "val": 5, "test": 5}
_PASCAL_PAIRS = {"trn": 50, "val": 9, "test": 9}
_JPEG = 92

# PF-Willow's 10 sub-classes and the styles of their images, half of each if there are two.
# Sub-classes of an object share images, as in the original: 100 files are 70 images.
_WILLOW: dict[str, tuple[tuple[str, Style], ...]] = {
    "car(G)": (("general", GENERAL),),
    "car(M)": (("side", STUDIO), ("general", GENERAL)),
    "car(S)": (("side", STUDIO),),
    "duck(S)": (("side", STUDIO),),
    "motorbike(G)": (("general", GENERAL),),
    "motorbike(M)": (("side", STUDIO), ("general", GENERAL)),
    "motorbike(S)": (("side", STUDIO),),
    "winebottle(M)": (("plain", STUDIO), ("clutter", CLUTTERED)),
    "winebottle(wC)": (("clutter", CLUTTERED),),
    "winebottle(woC)": (("plain", STUDIO),),
}


def _scaled(count: int, scale: float) -> int:
    return max(2, round(count * scale))


def _shots(dataset: str, style: str, split: Split, count: int, seed: int) -> dict[str, list[Shot]]:
    """The drawings of a split by category; a file's number encodes category and index."""
    shots: dict[str, list[Shot]] = {}
    for category in SHARED:
        number = 1000 * (PF_PASCAL.index(category) + 1)
        shots[category] = [
            Shot(
                f"{_YEARS[split]}_{number + i:06d}",
                draw(category, style, named_rng(seed, dataset, split, category, i)),
            )
            for i in range(count)
        ]
    return shots


def write_spair(root: Path, seed: int, scale: float) -> dict[Split, int]:
    """Write SPair-71k: all ordered pairs of a category's images. Returns pairs by split."""
    for folder in ("JPEGImages", "ImageAnnotation", "Segmentation"):
        for category in SHARED:
            (root / folder / category).mkdir(parents=True)
    (root / "Layout" / "large").mkdir(parents=True)
    captions, counts = {}, {}
    for split, images in _SPAIR_IMAGES.items():
        pairs = root / "PairAnnotation" / split
        pairs.mkdir(parents=True)
        names: list[str] = []
        shots = _shots("spair", "spair", split, _scaled(images, scale), seed)
        for category, of_category in shots.items():
            for shot in of_category:
                image = f"JPEGImages/{category}/{shot.stem}.jpg"
                shot.drawing.image.save(root / image, quality=_JPEG)
                benchmark_formats.write_json(
                    root / "ImageAnnotation" / category / f"{shot.stem}.json",
                    benchmark_formats.spair_image(shot),
                )
                mask = shot.drawing.mask * np.uint8(benchmark_formats.pascal_class(category))
                Image.fromarray(mask).save(root / "Segmentation" / category / f"{shot.stem}.png")
                captions[image] = shot.drawing.caption
            for source, target in permutations(of_category, 2):
                number = len(names) + 1
                names.append(benchmark_formats.pair_name(number, source, target))
                content = benchmark_formats.spair_pair(number, source, target)
                benchmark_formats.write_json(pairs / f"{names[-1]}.json", content)
        (root / "Layout" / "large" / f"{split}.txt").write_text("\n".join(names) + "\n")
        counts[split] = len(names)
    benchmark_formats.write_captions(root / "captions.jsonl", captions)
    return counts


def write_pf_pascal(root: Path, seed: int, scale: float) -> dict[Split, int]:
    """Write PF-Pascal: some ordered pairs of each category, mirrored or not in training."""
    base = root / "PF-dataset-PASCAL"
    (base / "JPEGImages").mkdir(parents=True)
    captions, counts = {}, {}
    for split, images in _PASCAL_IMAGES.items():
        shots = _shots("pf_pascal", "pf_pascal", split, _scaled(images, scale), seed)
        rows: list[tuple[object, ...]] = []
        for category, of_category in shots.items():
            notes = base / "Annotations" / category
            notes.mkdir(parents=True, exist_ok=True)
            for shot in of_category:
                image = f"PF-dataset-PASCAL/JPEGImages/{shot.stem}.jpg"
                shot.drawing.image.save(root / image, quality=_JPEG)
                benchmark_formats.write_mat(notes / f"{shot.stem}.mat", shot.drawing)
                captions[image] = shot.drawing.caption
            images_ = [f"{base.name}/JPEGImages/{shot.stem}.jpg" for shot in of_category]
            every = list(permutations(images_, 2))
            rng = named_rng(seed, "pf_pascal", split, category, "pairs")
            chosen = rng.permutation(len(every))[: _scaled(_PASCAL_PAIRS[split], scale)]
            for k, i in enumerate(chosen.tolist()):
                flip = (k % 2,) if split == "trn" else (0,) if split == "val" else ()
                rows.append((*every[i], benchmark_formats.pascal_class(category), *flip))
        header = ("source_image", "target_image", "class", "flip")
        benchmark_formats.write_rows(root / f"{split}_pairs.csv", header[: len(rows[0])], rows)
        counts[split] = len(rows)
    benchmark_formats.write_captions(root / "captions.jsonl", captions)
    return counts


def write_pf_willow(root: Path, seed: int, scale: float) -> dict[Split, int]:
    """Write PF-Willow: all ordered pairs of a sub-class, ten keypoints each, hidden or not."""
    count = _scaled(10, scale)
    captions: dict[str, str] = {}
    drawn: dict[tuple[str, str, int], Drawing] = {}
    rows: list[tuple[object, ...]] = []
    for name in PF_WILLOW:
        thing, looks = object_name(name), _WILLOW[name]
        folder = root / "PF-dataset" / name
        folder.mkdir(parents=True)
        files: list[tuple[str, list[float]]] = []
        for i in range(count):
            look, style = looks[i * len(looks) // count]
            key = (thing, look, i)
            if key not in drawn:
                drawn[key] = draw(thing, style, named_rng(seed, "pf_willow", "test", *key))
            drawing = drawn[key]
            # Stems count within a sub-class, so they repeat across them.
            image = f"PF-dataset/{name}/{thing}_{i:03d}.png"
            drawing.image.save(root / image)
            captions[image] = drawing.caption
            points = np.array([drawing.keypoints[k] for k in range(10)])
            files.append((image, [float(v) for v in points.T.ravel().round(3)]))
        rows += [(a[0], b[0], *a[1], *b[1]) for a, b in permutations(files, 2)]
    axes = [f"{axis}{side}{i}" for side in "AB" for axis in "XY" for i in range(1, 11)]
    benchmark_formats.write_rows(root / "test_pairs.csv", ("imageA", "imageB", *axes), rows)
    benchmark_formats.write_captions(root / "captions.jsonl", captions)
    return {"test": len(rows)}


WRITERS: dict[str, tuple[str, Callable[[Path, int, float], dict[Split, int]]]] = {
    "pf_pascal": ("pf-pascal", write_pf_pascal),
    "pf_willow": ("pf-willow", write_pf_willow),
    "spair": ("SPair-71k", write_spair),
}
"""Data set -> name of its folder, and its writer."""
