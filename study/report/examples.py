"""Example pairs of a report, and where each configuration finds their keypoints."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from sd4match import pck
from sd4match.datasets.images import load_image
from sd4match.datasets.pairs import ImagePair
from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Setting
from sd4match.records.parquet import settings_of
from sd4match.records.truth import pairs_on_record
from study.analysis.measuring import setting_of
from study.analysis.results import Results
from study.figures.predictions import root_of
from study.space import labels

HEIGHT = 200
"""Of both images on the page."""
PIXELS = 300
"""Longest side of an embedded image."""
GAP = 6
"""Between the two images."""

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """A pair, scaled to `HEIGHT` and laid side by side.

    Attributes:
        title, why: data set and category, and why it is shown.
        images: (data URI, x, width) of source and target.
        source, truth: (N, 2) keypoints on the page.
        found: configuration to N of (x, y, whether it is right).
    """

    title: str
    why: str
    images: tuple[tuple[str, float, float], ...]
    source: list[list[float]]
    truth: list[list[float]]
    found: dict[str, list[tuple[float, float, bool]]] = field(default_factory=dict)

    @property
    def width(self) -> float:
        """Of the whole."""
        _, x, width = self.images[-1]
        return x + width


@dataclass(frozen=True)
class Gallery:
    """Examples with a choice of configurations, or the reason why there are none."""

    examples: tuple[Example, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    alpha: float = 0.1
    reasons: tuple[str, ...] = ()


def gallery(study: Results, choices: Mapping[str, str]) -> Gallery:
    """Pairs on which the best configuration and the baseline differ, as every choice finds them.

    Args:
        study: holds the predictions; the data sets' images must be where they were.
        choices: configurations to choose from, to their labels; the best one comes first.

    Returns:
        At most three pairs per data set.
    """
    alpha = study.rule.usual_alpha
    examples: list[Example] = []
    reasons: list[str] = []
    for dataset in map(str, study.index["dataset"].unique()):
        try:
            examples += _of_dataset(study, dataset, list(choices), alpha)
        except (SD4MatchError, OSError) as error:  # a report without examples is better than none
            reasons.append(f"{labels.dataset(dataset)}: {error}")
    measured = {key for example in examples for key in example.found}
    offered = tuple((key, label) for key, label in choices.items() if key in measured)
    return Gallery(tuple(examples), offered, alpha, tuple(reasons))


def _of_dataset(
    study: Results, dataset: str, choices: Sequence[str], alpha: float
) -> list[Example]:
    index = study.index[study.index["dataset"] == dataset]
    split = "test" if (index["split"] == "test").any() else str(index["split"].iloc[0])
    rows = index[(index["split"] == split) & index["configuration"].isin(choices)]
    best, baseline = (
        _pck(study, key, dataset, split, alpha) for key in (choices[0], study.baseline)
    )
    if best is None:
        raise SD4MatchError("the best configuration was not measured")
    chosen = _extremes(best, None if choices[0] == study.baseline else baseline)
    truth, pairs = study.folder.store.read_truth(str(rows["data"].iloc[0]))
    numbers = np.flatnonzero(truth.n_keypoints)[list(chosen)]
    shown = pairs_on_record(root_of(study), dataset, split, pairs.iloc[numbers])
    made = {
        int(number): _example(pair, why)
        for number, pair, why in zip(numbers, shown, chosen.values(), strict=True)
    }
    for key, positions, size in _predictions(study, rows, truth):
        for number, (example, scale) in made.items():
            own = truth.pair == number
            right = pck.correct(
                truth.subset(np.arange(truth.n_pairs) == number), positions[own],
                alpha=alpha, protocol=study.rule.protocol, image_size=size,
            )  # fmt: skip
            x0 = example.images[1][1]
            example.found[key] = [
                (round(x0 + x * scale, 1), round(y * scale, 1), bool(hit))
                for (x, y), hit in zip(positions[own].tolist(), right.tolist(), strict=True)
            ]
    return [example for example, _ in made.values()]


def _pck(study: Results, key: str, dataset: str, split: str, alpha: float) -> Points | None:
    index = study.index
    here = (index["dataset"] == dataset) & (index["split"] == split)
    if key not in set(index.loc[here, "configuration"]):
        return None
    try:
        return study.samples(key, dataset, split, alpha).pck
    except SD4MatchError:  # not measured: only the best one is shown
        return None


def _extremes(best: Points, baseline: Points | None) -> dict[int, str]:
    """The pairs to show, and why: the extremes and the middle, ties by their order."""
    by, names = best, ("easiest", "typical", "hardest")
    if baseline is not None:
        by, names = best - baseline, ("largest gain over the baseline", "typical", "largest loss")
    order = np.argsort(by, kind="stable")
    found: dict[int, str] = {}
    for place, why in zip((order[-1], order[len(order) // 2], order[0]), names, strict=True):
        found.setdefault(int(place), why)  # of one or two pairs
    return found


def _predictions(
    study: Results, rows: pd.DataFrame, truth: pck.GroundTruth
) -> Iterator[tuple[str, Points, int]]:
    """Configuration, its positions (K, 2) and image size, of those on record; file by file."""
    store = study.folder.store
    for stage, of_stage in rows.groupby("predict", sort=False):
        recorded = store.recorded(str(stage))
        read: dict[Path, tuple[list[Setting], Any]] = {}
        for row in of_stage.to_dict("records"):
            file = recorded.get(setting_of(row))
            if file is None:
                continue
            if file not in read:
                read = {file: (settings_of(file), store.read_predictions(file, truth))}
            settings, positions = read[file]
            yield (
                row["configuration"],
                positions[settings.index(setting_of(row))],
                row["image_size"],
            )


def _example(pair: ImagePair, why: str) -> tuple[Example, float]:
    """The example without predictions, and page units a pixel of the target."""
    images, points, scales, x = [], [], [], 0.0
    for side, size, keypoints in (
        ("source", pair.source_size, pair.source_keypoints),
        ("target", pair.target_size, pair.target_keypoints),
    ):
        scale = HEIGHT / size[1]
        width = round(size[0] * scale, 1)
        images.append((_embedded(load_image(pair, side)), x, width))  # type: ignore[arg-type]
        points.append(
            [[round(x + u * scale, 1), round(v * scale, 1)] for u, v in keypoints.tolist()]
        )
        scales.append(scale)
        x += width + GAP
    title = f"{labels.dataset(pair.dataset)} · {pair.category}"
    source, truth = points
    return Example(title, why, tuple(images), source, truth), scales[1]


def _embedded(image: Image.Image) -> str:
    image.thumbnail((PIXELS, PIXELS))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=72, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
