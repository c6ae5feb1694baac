"""``sd4match show pca`` and ``show generate``: pictures that need no data set."""

from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from sd4match.commands import options
from sd4match.matching.readout import OUTPUT, depth, layer_at


def pca(
    images: Annotated[list[Path], typer.Argument(help="image files")],
    prompt: options.PromptName = "text",
    category: options.Category = None,
    layer: Annotated[
        list[int] | None, typer.Option(help="UNet layer, 0 to 3; repeatable; default: all")
    ] = None,
    place: options.Places = None,
    timestep: options.Timestep = 50,
    ensemble: options.Ensemble = 8,
    image_size: options.ImageSize = None,
    seed: options.Seed = 0,
    backbone: options.BackboneName = options.DEFAULT_BACKBONE,
    revision: options.Revision = None,
    image_encoder: options.ImageEncoders = None,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    out: Annotated[Path, typer.Option(help=".png, .pdf or .svg")] = Path("pca.png"),
) -> None:
    """Draw features as colors: their three principal components over all images.

    Places of equal color are similar to the model. The title of each layer gives the size of its
    map and the share of the features' variance that the colors show. A cpm prompt reads two images
    at a time.

    Example: sd4match show pca a.jpg b.jpg c.jpg --category cat --layer 1 --layer 2
    """
    from sd4match.datasets import own_images
    from sd4match.datasets.images import load_image
    from sd4match.prediction.one_pair import features
    from sd4match.visualize import image_page, principal_colours

    image_page.check_path(out)
    named_layers = product(layer or range(4), place or (OUTPUT,))
    layers = sorted({layer_at(*each) for each in named_layers}, key=depth)
    with own_images.images(images, category=category) as opened:
        model = options.load_backbone(
            backbone, revision=revision, image_encoders=image_encoder, device=device, dtype=dtype
        )
        latents, contents = options.caches(model, image_size)
        maps = features(
            model,
            options.load_prompt(prompt, model),
            opened,
            layers=layers,
            timestep=timestep,
            ensemble=ensemble,
            seed=seed,
            latents=latents,
            contents=contents,
        )
        views = {each: principal_colours.fit([found[each] for found in maps]) for each in layers}
        named = [
            (path.name, load_image(*image)) for path, image in zip(images, opened, strict=True)
        ]
    note = options.note(backbone, timestep=timestep, ensemble=ensemble)
    figure = principal_colours.pca(named, views, note=f"{options.label(prompt)} prompt; {note}")
    image_page.save(figure, out)
    typer.echo(out)


def generate(
    prompt: options.PromptName,
    category: Annotated[
        list[str] | None,
        typer.Option(help="repeatable; default for a class prompt: all that it learned"),
    ] = None,
    image: Annotated[
        list[Path] | None,
        typer.Option(help="image for a cpm prompt to read; repeatable; two make a pair"),
    ] = None,
    steps: Annotated[int, typer.Option(help="steps of the DDIM sampler")] = 50,
    guidance: Annotated[float, typer.Option(help="classifier-free guidance; 1 for none")] = 7.5,
    seed: Annotated[int, typer.Option(help="seed of the initial noise of every image")] = 0,
    image_size: options.ImageSize = None,
    backbone: options.BackboneName = options.DEFAULT_BACKBONE,
    revision: options.Revision = None,
    image_encoder: options.ImageEncoders = None,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    out: Annotated[Path, typer.Option(help=".png, .pdf or .svg")] = Path("generated.png"),
) -> None:
    """Draw what a prompt generates: one image, or one for each category, image or pair.

    Example: sd4match show generate --prompt runs/class/prompt.safetensors --category cat

    Example: sd4match show generate --prompt runs/cpm/prompt.safetensors --image a.jpg --image b.jpg
    """
    from sd4match.commands.progress import Progress
    from sd4match.datasets import own_images
    from sd4match.visualize import generation, image_page

    image_page.check_path(out)
    with own_images.images(image or []) as opened:
        model = options.load_backbone(
            backbone, revision=revision, image_encoders=image_encoder, device=device, dtype=dtype
        )
        subjects = generation.subjects(
            model, options.load_prompt(prompt, model), categories=category or (), images=opened
        )
        groups = []
        with Progress("generate", "images") as progress:
            for subject in subjects:
                made = generation.generate(
                    model,
                    subject.hidden,
                    steps=steps,
                    guidance=guidance,
                    seed=seed,
                    image_size=image_size,
                )
                groups.append([*subject.read, (subject.label or options.label(prompt), made)])
                progress.at(len(groups), len(subjects))
    note = (
        f"{options.label(prompt)} prompt, {backbone}, {steps} DDIM steps, guidance {guidance:g}, "
        f"seed {seed}"
    )
    image_page.save(generation.generated(groups, note=note), out)
    typer.echo(out)
