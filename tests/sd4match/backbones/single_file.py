"""Writes nano as a single-file checkpoint, with the names of the original Stable Diffusion."""

import json
import re
from pathlib import Path

from safetensors.torch import load_file, save_file

from sd4match.backbones.folders import NANO_FOLDER

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
OUTSIDE = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}


def write(file: Path) -> None:
    """Write one file with the weights of nano's UNet, VAE and text encoder."""
    config = json.loads((NANO_FOLDER / "unet" / "config.json").read_text())
    attends = ["CrossAttn" in block for block in config["up_block_types"]]
    levels = len(
        json.loads((NANO_FOLDER / "vae" / "config.json").read_text())["block_out_channels"]
    )
    state = {}
    for part, prefix, rename in (
        ("unet", "model.diffusion_model.", lambda name: _of_unet(name, attends)),
        ("vae", "first_stage_model.", lambda name: _of_vae(name, levels)),
        ("text_encoder", "cond_stage_model.transformer.text_model.", lambda name: name),
    ):
        (weights,) = (NANO_FOLDER / part).glob("*.safetensors")
        state |= {prefix + rename(name): tensor for name, tensor in load_file(weights).items()}
    save_file(state, file)


def _renamed(name: str, table: dict[str, str]) -> str:
    for ours, original in table.items():
        name = re.sub(rf"^{re.escape(ours)}\b", original, name)
    return name


def _of_unet(name: str, attends: list[bool]) -> str:
    """One resnet a block: each block is two numbers, the second for its change of size."""
    if found := re.fullmatch(r"(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.*)", name):
        side, block, kind, number, rest = found.groups()
        resizes = kind in ("downsamplers", "upsamplers")
        if side == "down":
            place = 2 * int(block) + 1 + (1 if resizes else int(number))
            inner = 1 if kind == "attentions" else 0
            rest = rest.replace("conv", "op") if resizes else rest
        else:
            place = 2 * int(block) + (1 if resizes else int(number))
            inner = 1 + attends[int(block)] if resizes else int(kind == "attentions")
        rest = _renamed(rest, RESNET) if kind == "resnets" else rest
        return f"{'input' if side == 'down' else 'output'}_blocks.{place}.{inner}.{rest}"
    if found := re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d)\.(.*)", name):
        if found[1] == "attentions":
            return f"middle_block.1.{found[3]}"
        return f"middle_block.{2 * int(found[2])}.{_renamed(found[3], RESNET)}"
    return _renamed(name, OUTSIDE)


def _of_vae(name: str, levels: int) -> str:
    name = name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
    if found := re.fullmatch(r"(\w+)\.mid_block\.resnets\.(\d)\.(.*)", name):
        return f"{found[1]}.mid.block_{int(found[2]) + 1}.{found[3]}"
    if found := re.fullmatch(r"(\w+)\.(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.*)", name):
        coder, way, block, kind, number, rest = found.groups()
        level = int(block) if way == "down" else levels - 1 - int(block)
        inner = f"block.{number}" if kind == "resnets" else f"{way}sample"
        return f"{coder}.{way}.{level}.{inner}.{rest}"
    return name
