"""``sd4match match``: find points of one image in another."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sd4match.commands import options
from sd4match.errors import SD4MatchError
from sd4match.files.strict_json import dumps
from sd4match.matching.readout import OUTPUT, layer_at


def match(
    source: Annotated[Path, typer.Argument(help="image file with the points")],
    target: Annotated[Path, typer.Argument(help="image file in which to find them")],
    point: Annotated[
        list[str] | None, typer.Option(help="x,y in pixels from the upper left corner; repeatable")
    ] = None,
    category: options.Category = None,
    prompt: options.PromptName = "text",
    timestep: options.Timestep = 50,
    ensemble: options.Ensemble = 8,
    layer: options.Layer = 1,
    place: options.Place = OUTPUT,
    localizer: options.Localizer = "kernel_softmax",
    kernel: options.Kernel = None,
    temperature: options.Temperature = None,
    l2_normalize: options.L2Normalize = True,
    image_size: options.ImageSize = None,
    seed: options.Seed = 0,
    backbone: options.BackboneName = options.DEFAULT_BACKBONE,
    revision: options.Revision = None,
    image_encoder: options.ImageEncoders = None,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    out: Annotated[Path, typer.Option(help="picture to write: .png, .pdf or .svg")] = Path(
        "matches.png"
    ),
    heatmap: Annotated[
        Path | None, typer.Option(help="also write a picture of each point's correlation map")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Find points of one image in another: print one line per point, and draw both images.

    Coordinates are pixels of the image as a viewer shows it, rotated as its EXIF says. The printed
    correlation is the largest one of the point in the target; a cosine similarity is at most 1.

    Example: sd4match match a.jpg b.jpg --category cat --point 120,80 --point 45.5,60
    """
    points = [_parse(text) for text in point or []]
    if not points:
        raise SD4MatchError("no point to match: give --point x,y once or more")
    widths, temperatures = (() if one is None else (one,) for one in (kernel, temperature))
    (readout,) = options.readouts((localizer,), widths, temperatures, (l2_normalize,))
    at = layer_at(layer, place)

    from sd4match.datasets.own_images import image_pair
    from sd4match.prediction.one_pair import match_pair
    from sd4match.visualize import correlation_maps, image_page, pair_grid

    pictures = [path for path in (out, heatmap) if path]
    files = [path.resolve() for path in (source, target, *pictures)]
    if len(set(files[1:])) < len(files) - 1 or files[0] in files[2:]:
        raise SD4MatchError("a picture would be written over another file: give it another name")
    for path in pictures:
        image_page.check_path(path)
    with image_pair(source, target, points=points, category=category) as pair:
        model = options.load_backbone(
            backbone, revision=revision, image_encoders=image_encoder, device=device, dtype=dtype
        )
        latents, contents = options.caches(model, image_size)
        found = match_pair(
            model,
            options.load_prompt(prompt, model),
            pair,
            timestep=timestep,
            ensemble=ensemble,
            layer=at,
            readout=readout,
            seed=seed,
            latents=latents,
            contents=contents,
        )
        image_page.save(pair_grid.matches(pair, found.positions), out)
        if heatmap:
            note = options.note(backbone, timestep=timestep, ensemble=ensemble)
            figure = correlation_maps.heatmaps(
                pair,
                {options.label(prompt): found},
                image_size=latents.image_size,
                queries=range(len(points)),
                note=f"{note}, layer {at}",
            )
            image_page.save(figure, heatmap)
    rows: list[dict[str, Any]] = [
        {"point": list(query), "match": [float(x), float(y)], "correlation": float(peak)}
        for query, (x, y), peak in zip(points, found.positions, found.peaks, strict=True)
    ]
    if as_json:
        facts = {"source": str(source), "target": str(target), "pictures": list(map(str, pictures))}
        typer.echo(dumps({**facts, "matches": rows}))
        return
    for i, row in enumerate(rows):
        (x, y), (u, v) = row["point"], row["match"]
        typer.echo(f"{i + 1}: {x:g},{y:g} -> {u:.1f},{v:.1f}  correlation {row['correlation']:.3f}")
    for path in pictures:
        typer.echo(path)


def _parse(text: str) -> tuple[float, float]:
    try:
        x, y = map(float, text.split(","))
    except ValueError:
        raise SD4MatchError(f"--point {text}: expected x,y in pixels, such as 120,80") from None
    return x, y
