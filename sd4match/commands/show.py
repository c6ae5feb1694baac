"""``sd4match show``: pictures of predictions, correlation maps, features and prompts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sd4match.commands import options
from sd4match.commands.predict import TRUTH
from sd4match.commands.program import CommandLine
from sd4match.commands.show_features import generate, pca
from sd4match.errors import SD4MatchError
from sd4match.matching.readout import OUTPUT, layer_at

if TYPE_CHECKING:
    from sd4match.datasets.pair_set import PairSet
    from sd4match.datasets.pairs import ImagePair

app = CommandLine(
    no_args_is_help=True,
    help="Draw predictions, correlation maps, features and generated images.",
)
for command in (pca, generate):
    app.command()(command)

Prompts = Annotated[
    list[str], typer.Option("--prompt", help="empty, text or a learned prompt's file; repeatable")
]


@app.command()
def grid(
    predictions: Annotated[Path, typer.Argument(help="file that `sd4match predict` wrote")],
    data: options.Data,
    order: Annotated[str, typer.Option(help="random, worst or best")] = "random",
    count: Annotated[int, typer.Option(min=1, help="number of pairs to show")] = 12,
    setting: Annotated[
        int, typer.Option(min=1, help="which readout of the file, in the order of `score`")
    ] = 1,
    alpha: Annotated[float, typer.Option(help="tolerance of PCK")] = 0.1,
    protocol: Annotated[str, typer.Option(help="sd4match, dift or geoaware")] = "sd4match",
    seed: Annotated[int, typer.Option(help="seed of the random order")] = 0,
    out: Annotated[Path, typer.Option(help=".png, .pdf or .svg")] = Path("grid.png"),
) -> None:
    """Draw pairs of a data set with predicted keypoints: correct in green, wrong in red.

    Example: sd4match show grid runs/spair.parquet --data data --order worst
    """
    from sd4match.pck import scoring
    from sd4match.records.parquet import about_of, settings_of
    from sd4match.records.predictions import read_predictions
    from sd4match.records.truth import pairs_on_record, read_truth
    from sd4match.visualize import image_page, pair_grid

    image_page.check_path(out)
    if not predictions.is_file():
        raise SD4MatchError(f"no file {predictions}: `sd4match predict` writes it")
    about, settings = about_of(predictions), settings_of(predictions)
    if setting > len(settings):
        raise SD4MatchError(f"--setting {setting}: {predictions} holds {len(settings)} readouts")
    layer, readout = settings[setting - 1]
    truth, table = read_truth(predictions.parent / TRUTH, about["pairs"])
    positions = read_predictions(predictions, truth)[setting - 1]
    correct = scoring.correct(
        truth, positions, alpha=alpha, protocol=protocol, image_size=about["image_size"]
    )
    shown = pair_grid.ranked(truth, correct, order=order, seed=seed)[:count]
    if not shown:
        raise SD4MatchError(f"{predictions}: none of its pairs has a keypoint to draw")
    rows = [truth.pair == i for i in shown]
    figure = pair_grid.grid(
        pairs_on_record(data, about["dataset"], about["split"], table.iloc[shown]),
        [positions[own] for own in rows],
        [correct[own] for own in rows],
        note=f"{about['dataset']} {about['split']}, {order} pairs; correct at PCK@{alpha:g} "
        f"({protocol}). {options.label(about['prompt'])} prompt, t = {about['timestep']}, "
        f"E = {about['ensemble']}, layer {layer}, {readout.localizer}",
    )
    image_page.save(figure, out)
    typer.echo(out)


@app.command()
def heatmap(
    data: options.Data,
    dataset: options.Dataset,
    pair: Annotated[str, typer.Option(help="id of a pair, or its number in the split, from 1")],
    prompt: Prompts,
    split: Annotated[str, typer.Option(help="train, val or test")] = "test",
    keypoint: Annotated[
        list[int] | None, typer.Option(help="number of a keypoint, from 1; repeatable; default: 1")
    ] = None,
    timestep: options.Timestep = 50,
    ensemble: options.Ensemble = 8,
    layer: options.Layer = 1,
    place: options.Place = OUTPUT,
    image_size: options.ImageSize = None,
    seed: options.Seed = 0,
    backbone: options.BackboneName = options.DEFAULT_BACKBONE,
    revision: options.Revision = None,
    image_encoder: options.ImageEncoders = None,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    out: Annotated[Path, typer.Option(help=".png, .pdf or .svg")] = Path("heatmap.png"),
) -> None:
    """Draw the correlation of a keypoint with all of the target, for each prompt (Fig. 6).

    For your own images see `sd4match match --heatmap`.

    Example: sd4match show heatmap --data data --dataset spair --pair 1 --keypoint 3
    --prompt empty --prompt text --prompt runs/cpm/prompt.safetensors
    """
    from sd4match.datasets.benchmarks import load
    from sd4match.prediction.one_pair import match_pair
    from sd4match.visualize import correlation_maps, image_page

    image_page.check_path(out)
    one = _find(load(dataset, data, split), pair)
    at = layer_at(layer, place)
    queries = [number - 1 for number in keypoint or [1]]
    known = len(one.source_keypoints)
    for query in queries:
        if not 0 <= query < known:
            raise SD4MatchError(f"--keypoint {query + 1}: pair {one.id} has {known} keypoints")
    model = options.load_backbone(
        backbone, revision=revision, image_encoders=image_encoder, device=device, dtype=dtype
    )
    latents, contents = options.caches(model, image_size)
    labels = [options.label(name) for name in prompt]
    found = {
        name if labels.count(label) > 1 else label: match_pair(
            model,
            options.load_prompt(name, model),
            one,
            timestep=timestep,
            ensemble=ensemble,
            layer=at,
            seed=seed,
            latents=latents,
            contents=contents,
        )
        for name, label in zip(prompt, labels, strict=True)
    }
    note = options.note(backbone, timestep=timestep, ensemble=ensemble)
    size = latents.image_size
    figure = correlation_maps.heatmaps(
        one, found, image_size=size, queries=queries, note=f"{one.id}; {note}, layer {at}"
    )
    image_page.save(figure, out)
    typer.echo(out)


def _find(pairs: "PairSet", wanted: str) -> "ImagePair":
    for pair in pairs:
        if pair.id == wanted:
            return pair
    if wanted.isdecimal() and 1 <= int(wanted) <= len(pairs):
        return pairs[int(wanted) - 1]
    raise SD4MatchError(
        f"--pair {wanted}: {pairs.dataset} {pairs.split} has no such pair: give an id of its list, "
        f"or a number from 1 to {len(pairs)}"
    )
