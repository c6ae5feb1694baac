"""``sd4match predict``: predict the keypoints of a split, by one readout or several."""

from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from sd4match.commands import options
from sd4match.errors import SD4MatchError, require_known
from sd4match.files.atomic import require_writable
from sd4match.matching.readout import OUTPUT, layer_at

TRUTH = "truth"
"""Folder of the ground truth, beside the predictions."""


def predict(
    out: Annotated[Path, typer.Argument(help="file to write, .parquet")],
    data: options.Data,
    dataset: options.Dataset,
    prompt: Annotated[
        str, typer.Option(help="empty, text, or the file of a learned prompt (.safetensors)")
    ],
    split: Annotated[str, typer.Option(help="train, val or test")] = "test",
    template: Annotated[
        str | None, typer.Option(help="text of a text prompt; default: 'a photo of a {category}'")
    ] = None,
    timestep: options.Timestep = 50,
    ensemble: options.Ensemble = 8,
    layer: Annotated[
        list[int] | None, typer.Option(help="UNet layer, 0 to 3; repeatable; default: 1")
    ] = None,
    place: options.Places = None,
    localizer: Annotated[
        list[str] | None,
        typer.Option(
            help="nearest, bilinear, softmax, kernel_softmax or dense; repeatable; "
            "default: kernel_softmax"
        ),
    ] = None,
    kernel: Annotated[
        list[float] | None,
        typer.Option(help="width of kernel_softmax, in cells; repeatable; default: 7"),
    ] = None,
    temperature: Annotated[
        list[float] | None,
        typer.Option(help="temperature of the softmaxes; repeatable; default: 0.04"),
    ] = None,
    l2_normalize: Annotated[
        list[bool] | None,
        typer.Option(
            "--l2-normalize/--no-l2-normalize",
            help="correlate by cosine similarity, not dot product; repeatable",
        ),
    ] = None,
    fusion: Annotated[bool, typer.Option("--fusion", help="also match on DINO's features")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="noisy latents per UNet pass")] = 8,
    seed: options.Seed = 0,
    image_size: options.ImageSize = None,
    pairs: options.Pairs = None,
    category: Annotated[
        list[str] | None,
        typer.Option(help="use only pairs of this category; repeatable; default: all"),
    ] = None,
    backbone: options.BackboneName = options.DEFAULT_BACKBONE,
    revision: options.Revision = None,
    image_encoder: options.ImageEncoders = None,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
) -> None:
    """Predict every keypoint of a split, by each combination of readout settings.

    --layer, --place, --localizer, --kernel, --temperature and --l2-normalize may be repeated: the
    same passes answer all combinations. The ground truth is written beside the file, for
    `sd4match score`.

    Example: sd4match predict runs/spair.parquet --data data --dataset spair
    --prompt runs/single/prompt.safetensors --layer 1 --layer 2
    """
    if out.is_dir():
        raise SD4MatchError(f"{out} is a folder: name a file, such as {out / dataset}.parquet")
    if fusion and l2_normalize:
        raise SD4MatchError(
            "--l2-normalize does not apply to fused features, which are normalized already: leave "
            "it out"
        )
    readouts = options.readouts(
        localizer or (), kernel or (), temperature or (), l2_normalize or ()
    )
    layers = [layer_at(*each) for each in product(layer or (1,), place or (OUTPUT,))]
    settings = list(dict.fromkeys(product(layers, readouts)))
    require_writable(out)

    from sd4match.backbones.devices import device_kind
    from sd4match.commands.progress import Progress
    from sd4match.datasets.benchmarks import CATEGORIES

    for name in category or []:
        require_known(name, CATEGORIES.get(dataset, ()), what=f"category of {dataset}")
    found = options.open_pairs(dataset, data, split, pairs, among=category)

    from sd4match.pck.ground_truth import GroundTruth
    from sd4match.prediction import predictor
    from sd4match.records.predictions import write_predictions
    from sd4match.records.truth import write_truth

    model = options.load_backbone(
        backbone, revision=revision, image_encoders=image_encoder, device=device, dtype=dtype
    )
    ready = options.load_prompt(prompt, model, template=template)
    latents, contents = options.caches(model, image_size)
    # Before hours of passes: it reads every image once, and needs room beside the file.
    write_truth(out.parent / TRUTH, found)
    with Progress(f"predict {dataset} {split}", "pairs") as progress:
        positions = predictor.predict(
            model,
            ready,
            found,
            timestep=timestep,
            ensemble=ensemble,
            settings=settings,
            fusion=fusion,
            seed=seed,
            latents=latents,
            contents=contents,
            batch_size=batch_size,
            progress=progress.at,
        )
    about = {
        "dataset": dataset,
        "split": split,
        "categories": list(found.categories),
        "pairs": found.fingerprint,
        "prompt": prompt,
        "template": getattr(ready, "template", None),
        "backbone": model.name,
        "fingerprint": model.fingerprint,
        "dtype": str(model.dtype).removeprefix("torch."),
        "devices": [device_kind(model.device)],
        "timestep": timestep,
        "ensemble": ensemble,
        "fusion": fusion,
        "seed": seed,
        "image_size": latents.image_size,
    }
    write_predictions(out, settings, positions, GroundTruth.of(found), about=about)
    typer.echo(f"{out}: {len(found):,} pairs; `sd4match score {out}` gives their PCK")
