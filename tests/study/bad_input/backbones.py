"""Backbones and image encoders that are something else than their place says."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from sd4match.backbones.folders import COMPONENTS, NANO_FOLDER

from .cases import Case, write
from .prompt_files import IMPORT, LOAD

PLAN = ("study", "plan", "small", "baseline.backbone=mine")
UNET, SCHEDULER = "unet/config.json", "scheduler/scheduler_config.json"
UNET_WEIGHTS = "unet/diffusion_pytorch_model.safetensors"

CHANGES = {
    "that wants class labels": (UNET, {"num_class_embeds": 10}, "class_labels"),
    "that wants images": (
        UNET,
        {"encoder_hid_dim_type": "image_proj", "encoder_hid_dim": 16},
        "image_embeds",
    ),
    "of another width": (UNET, {"cross_attention_dim": [64, 128]}, "cross_attention_dim"),
    "for inpainting": (UNET, {"in_channels": 9}, "9 channels"),
    "of flow matching": (SCHEDULER, None, "no betas"),
}
"""What a backbone is -> the file, its changes, and a word of the error line."""

WEIGHTS = {
    "with a pointer for weights": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    "with empty weights": b"",
    "with cut weights": (NANO_FOLDER / UNET_WEIGHTS).read_bytes()[:5000],
    "with weights of another kind": b"PK\x03\x04" + bytes(100),
    "with a header that is no JSON": (9).to_bytes(8, "little") + b"{notjson}",
}
"""What a backbone is -> the content of its UNet's weights."""

ENCODERS = {
    "without a kind": ("--image-encoder", "mine", "dino=NAME"),
    "of an unknown kind": ("--image-encoder", "clap=mine", "clap"),
    "that nothing reads": ("--image-encoder", "dino=mine", "reads no image encoder"),
    "and a revision of nano": ("--revision", "main", "revision"),
}


def cases() -> Iterator[Case]:
    for name, (file, changes, word) in CHANGES.items():
        yield Case("backbone", name, ("mine", word), PLAN, _Folder(file, changes))
    for name, content in WEIGHTS.items():
        says = ("mine", "not a safetensors file")
        yield Case("backbone", name, says, PLAN, _Weights(content))
    yield Case(
        "backbone",
        "in a single file",
        ("mine", "from_single_file"),
        PLAN,
        lambda world, rng: write(world / "mine", "x"),
    )
    for name, (option, value, word) in ENCODERS.items():
        for command in (LOAD,) if "nothing" in name else (IMPORT, LOAD):
            yield Case("backbone", f"{name} for {command[2]}", (word,), (*command, option, value))


class _Folder:
    """Writes nano's configurations to ``mine``, one of them changed; None for another file."""

    def __init__(self, file: str, changes: dict[str, object] | None) -> None:
        self.file, self.changes = file, changes

    def __call__(self, world: Path, rng: random.Random) -> None:
        for part in COMPONENTS:
            weights = shutil.ignore_patterns("*.safetensors")
            shutil.copytree(NANO_FOLDER / part, world / "mine" / part, ignore=weights)
        file = world / "mine" / self.file
        other = {"_class_name": "FlowMatchEulerDiscreteScheduler"}
        content = other if self.changes is None else json.loads(file.read_text()) | self.changes
        write(file, json.dumps(content))


class _Weights:
    """Writes nano to ``mine``, with other content for the UNet's weights."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __call__(self, world: Path, rng: random.Random) -> None:
        for part in COMPONENTS:
            shutil.copytree(NANO_FOLDER / part, world / "mine" / part)
        (world / "mine" / UNET_WEIGHTS).write_bytes(self.content)
