"""``sd4match score``: PCK of a file of predictions. Does not load torch."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sd4match.commands.predict import TRUTH
from sd4match.errors import SD4MatchError, require_known
from sd4match.files.strict_json import dumps
from sd4match.matching.readout import OUTPUT, names_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from sd4match.pck.ground_truth import GroundTruth

log = logging.getLogger(__name__)

ALPHAS = (0.05, 0.1, 0.15)


def score(
    predictions: Annotated[Path, typer.Argument(help="file that `sd4match predict` wrote")],
    alpha: Annotated[
        list[float] | None, typer.Option(help="tolerance; repeatable; default: 0.05, 0.1 and 0.15")
    ] = None,
    protocol: Annotated[str, typer.Option(help="sd4match, dift or geoaware")] = "sd4match",
    coordinates: Annotated[
        str | None, typer.Option(help="square, original or letterbox; default: the protocol's")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="img, bbox or bbox-kp; default: the data set's own")
    ] = None,
    strict: Annotated[
        bool | None,
        typer.Option(
            "--strict/--no-strict",
            help="a distance equal to the limit is wrong; default: the protocol's",
        ),
    ] = None,
    by: Annotated[
        str,
        typer.Option(help="category, or (spair only) viewpoint, scale, truncation or occlusion"),
    ] = "category",
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Print PCK per image (as papers do) and per keypoint, for all pairs and by category.

    Example: sd4match score runs/spair.parquet --alpha 0.1 --by viewpoint
    """
    from sd4match.pck import scoring
    from sd4match.pck.protocols import localizer_warning, resolve
    from sd4match.records.parquet import about_of, settings_of
    from sd4match.records.predictions import read_predictions
    from sd4match.records.truth import read_truth

    if not predictions.is_file():
        raise SD4MatchError(f"no file {predictions}: `sd4match predict` writes it")
    parts: dict[str, Any] = {
        "coordinates": coordinates,
        "reference": reference,
        "strict": strict,
    }
    rule = replace(
        resolve(protocol), **{name: part for name, part in parts.items() if part is not None}
    )
    alphas = list(dict.fromkeys(alpha or ALPHAS))
    about = about_of(predictions)
    truth, pairs = read_truth(predictions.parent / TRUTH, about["pairs"])
    correct = scoring.correct(
        truth,
        read_predictions(predictions, truth),
        alpha=alphas,
        protocol=rule,
        image_size=about["image_size"],
    )
    rows = _rows(truth, correct, {by: _labels(pairs, by, about["dataset"])})
    used = [readout.localizer for _, readout in settings_of(predictions)]
    if warning := localizer_warning(protocol, used):
        log.warning("%s", warning)
    settings = [
        {**dict(zip(("layer", "place"), names_of(layer), strict=True)), **asdict(readout)}
        for layer, readout in settings_of(predictions)
    ]
    for setting in settings if about["fusion"] else ():
        setting["l2_normalize"] = None  # fused features are normalized already
    if as_json:
        facts = {**about, "protocol": asdict(rule), "alphas": alphas, "settings": settings}
        typer.echo(dumps({**facts, "scores": rows}))
    else:
        typer.echo(_text(about, _protocol_text(protocol, parts), settings, alphas, rows))


def _labels(pairs: "pd.DataFrame", by: str, dataset: str) -> list[object]:
    from sd4match.pck.breakdowns import LEVELS

    require_known(by, ("category", *LEVELS), what="--by")
    if pairs[by].isna().any():
        raise SD4MatchError(f"--by {by}: {dataset} has no such grades of its pairs, spair has")
    return list(pairs[by])


def _rows(
    truth: "GroundTruth", correct: "NDArray[Any]", labels: Mapping[str, list[object]]
) -> list[dict[str, Any]]:
    """One row for all pairs and one for each level: pck and pck_point by alpha, then setting."""
    import numpy as np

    from sd4match.pck.breakdowns import Part, breakdown
    from sd4match.pck.scoring import aggregate

    def all_pairs(mean: str) -> Part:
        found = aggregate(truth, correct, mean=mean)
        return Part("all", "all", int(np.count_nonzero(truth.n_keypoints)), len(truth.pair), found)

    per_image, per_point = (
        [all_pairs(mean), *breakdown(truth, correct, labels, mean=mean)]
        for mean in ("image", "keypoint")
    )
    rows = [
        {
            "by": part.by,
            "level": part.level,
            "pairs": part.n_pairs,
            "keypoints": part.n_keypoints,
            "pck": part.pck.tolist(),
            "pck_point": points.pck.tolist(),
        }
        for part, points in zip(per_image, per_point, strict=True)
        if part.n_pairs
    ]
    if "category" not in labels:
        return rows
    overall, *levels = rows
    mean = {
        name: np.mean([row[name] for row in levels], axis=0).tolist()
        for name in ("pck", "pck_point")
    }
    return [overall, {**overall, "level": "mean of categories", **mean}, *levels]


def _text(
    about: Mapping[str, Any],
    rule: str,
    settings: list[dict[str, Any]],
    alphas: list[float],
    rows: list[dict[str, Any]],
) -> str:
    from tabulate import tabulate

    head = ["", "pairs", "keypoints"]
    head += [f"@{alpha:g} {mean}" for alpha in alphas for mean in ("image", "point")]
    blocks = [
        f"PCK in % on {about['dataset']} {about['split']}, mean over images and over keypoints; "
        f"{about['prompt']}, t = {about['timestep']}, E = {about['ensemble']}"
        f"{', fused with DINO' if about['fusion'] else ''}; {about['backbone']} at "
        f"{about['image_size']} pixels; {rule}"
    ]
    for i, setting in enumerate(settings):
        body = [
            [row["level"], f"{row['pairs']:,}", f"{row['keypoints']:,}"]
            + [
                f"{100 * row[mean][a][i]:.1f}"
                for a in range(len(alphas))
                for mean in ("pck", "pck_point")
            ]
            for row in rows
        ]
        usual = {"place": OUTPUT, "l2_normalize": setting["l2_normalize"]}
        used = [f"{n} {v}" for n, v in setting.items() if v not in (None, usual.get(n))]
        used += ["without L2 normalization"] if setting["l2_normalize"] is False else []
        blocks.append(", ".join(used))
        align = ["left"] + ["right"] * (len(head) - 1)
        blocks.append(tabulate(body, headers=head, colalign=align, disable_numparse=True))
    return "\n\n".join(blocks)


def _protocol_text(protocol: str, parts: Mapping[str, Any]) -> str:
    """The protocol's name, and which of its parts were changed."""
    changed = [f"{name} {part}" for name, part in parts.items() if part is not None]
    return ", ".join([f"protocol {protocol}", *changed])
