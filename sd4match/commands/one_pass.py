"""The options of one pass and one readout, for commands that look closely at few images."""

from pathlib import Path
from typing import Annotated

import typer

PromptName = Annotated[
    str,
    typer.Option("--prompt", help="empty, text, or the file of a learned prompt (.safetensors)"),
]
Category = Annotated[
    str | None, typer.Option(help="what the images show, where the prompt asks for it")
]
Timestep = Annotated[int, typer.Option(help="of the noise, 0 to 999")]
Ensemble = Annotated[int, typer.Option(min=1, help="noise draws to average over")]
Layer = Annotated[int, typer.Option(help="UNet layer, 0 to 3")]
Localizer = Annotated[str, typer.Option(help="nearest, bilinear, softmax or kernel_softmax")]
Kernel = Annotated[float, typer.Option(help="width of kernel_softmax, in cells")]
Temperature = Annotated[float, typer.Option(help="of both softmaxes")]
Json = Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")]


def note(backbone: str, *, timestep: int, ensemble: int) -> str:
    """What pictures say of a pass."""
    return f"{backbone}, t = {timestep}, E = {ensemble}"


def label(name: str) -> str:
    """What pictures call a prompt: of ``runs/single/prompt.safetensors`` the folder's name."""
    path = Path(name)
    if path.suffix != ".safetensors":
        return name
    return path.parent.name if path.stem == "prompt" and path.parent.name else path.stem
