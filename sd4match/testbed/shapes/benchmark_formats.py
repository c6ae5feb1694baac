"""File formats of the three benchmarks, for writing drawings.

docs/explanation/method.md section 2.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import savemat

from sd4match.datasets.benchmark import PF_PASCAL
from sd4match.testbed.shapes.annotated_drawing import Drawing
from sd4match.testbed.shapes.category import CATEGORIES

Json = dict[str, object]
_SPAIR_SLOTS = 30  # keypoints in every SPair-71k image annotation
_MAT_HEADER = b"MATLAB 5.0 MAT-file, sd4match shapes".ljust(116)


@dataclass(frozen=True)
class Shot:
    """A drawing and the name of its file without suffix."""

    stem: str
    drawing: Drawing


def write_json(path: Path, content: Json) -> None:
    """Write JSON on one line, as in SPair-71k."""
    path.write_text(json.dumps(content))


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_captions(path: Path, captions: dict[str, str]) -> None:
    """Write one JSON line per image: its path relative to the data set, and its caption."""
    lines = [json.dumps({"image": image, "caption": text}) for image, text in captions.items()]
    path.write_text("\n".join(lines) + "\n")


def write_mat(path: Path, drawing: Drawing) -> None:
    """Write PF-Pascal's annotation: kps (K, 2), NaN where not visible, and bbox (1, 4)."""
    kps = np.full((len(CATEGORIES[drawing.category].keypoints), 2), np.nan)
    for i, point in drawing.keypoints.items():
        if drawing.visible[i]:
            kps[i] = point
    savemat(path, {"kps": kps, "bbox": np.array([drawing.box])})
    # SciPy writes the date into the header; equal benchmarks must have equal bytes.
    with path.open("r+b") as file:
        file.write(_MAT_HEADER)


def spair_keypoint(point: tuple[float, float], size: tuple[int, int]) -> list[int]:
    """A keypoint in SPair-71k's form: integer pixels inside the image."""
    return [min(round(value), side - 1) for value, side in zip(point, size, strict=True)]


def spair_image(shot: Shot) -> Json:
    """Return the annotation of an image for ``ImageAnnotation/<category>/<image>.json``."""
    drawing = shot.drawing
    kps: dict[str, list[int] | None] = {str(i): None for i in range(_SPAIR_SLOTS)}
    for i, point in drawing.keypoints.items():
        if drawing.visible[i]:
            kps[str(i)] = spair_keypoint(point, drawing.image.size)
    return {
        "filename": f"{shot.stem}.jpg",
        "src_database": "sd4match shapes",
        "src_annotation": "sd4match shapes",
        "src_image": "drawn",
        "image_width": drawing.image.width,
        "image_height": drawing.image.height,
        "image_depth": 3,
        "category": drawing.category,
        "pose": _pose(drawing),
        "truncated": int(_truncated(drawing)),
        "occluded": int(_occluded(drawing)),
        "difficult": 0,
        "bndbox": [int(side) for side in drawing.box],
        "kps": kps,
        "azimuth_id": round(drawing.view.azimuth / 45) % 8,
    }


def spair_pair(number: int, source: Shot, target: Shot) -> Json:
    """Return the annotation of a pair for ``PairAnnotation/<split>/<pair>.json``.

    Grades follow from how the two were drawn: viewpoint from the angle between them, scale from
    the ratio of their boxes, truncation and occlusion as none, source, target or both.
    """
    a, b = source.drawing, target.drawing
    shared = [i for i in a.keypoints if a.visible[i] and b.visible.get(i, False)]
    return {
        "pair_id": number,
        "filename": pair_name(number, source, target),
        "src_imname": f"{source.stem}.jpg",
        "trg_imname": f"{target.stem}.jpg",
        "src_imsize": [*a.image.size, 3],
        "trg_imsize": [*b.image.size, 3],
        "src_bndbox": [int(side) for side in a.box],
        "trg_bndbox": [int(side) for side in b.box],
        "category": a.category,
        "src_pose": _pose(a),
        "trg_pose": _pose(b),
        "src_kps": [spair_keypoint(a.keypoints[i], a.image.size) for i in shared],
        "trg_kps": [spair_keypoint(b.keypoints[i], b.image.size) for i in shared],
        "kps_ids": [str(i) for i in shared],
        "mirror": 0,
        "viewpoint_variation": _viewpoint_variation(a, b),
        "scale_variation": _scale_variation(a, b),
        "truncation": int(_truncated(a)) + 2 * int(_truncated(b)),
        "occlusion": int(_occluded(a)) + 2 * int(_occluded(b)),
    }


def pair_name(number: int, source: Shot, target: Shot) -> str:
    """SPair-71k's pair id: 000001-2021_000001-2021_000002:aeroplane."""
    return f"{number:06d}-{source.stem}-{target.stem}:{source.drawing.category}"


def pascal_class(category: str) -> int:
    """PF-Pascal's class number of a category, from 1."""
    return PF_PASCAL.index(category) + 1


def _truncated(drawing: Drawing) -> bool:
    return drawing.truncation > 0.05


def _occluded(drawing: Drawing) -> bool:
    return drawing.occlusion > 0.03


def _pose(drawing: Drawing) -> str:
    if not CATEGORIES[drawing.category].mirrored:
        return "Unspecified"
    azimuth = drawing.view.azimuth
    return ("Frontal", "Left", "Rear", "Right")[int((azimuth + 45) % 360 // 90)]


def _viewpoint_variation(a: Drawing, b: Drawing) -> int:
    between = abs(a.view.azimuth - b.view.azimuth)
    return int(np.digitize(min(between, 360 - between), (30, 90)))


def _scale_variation(a: Drawing, b: Drawing) -> int:
    sides = [max(d.box[2] - d.box[0], d.box[3] - d.box[1]) for d in (a, b)]
    return int(np.digitize(max(sides) / min(sides), (1.35, 1.9)))
