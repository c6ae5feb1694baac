"""nano's models: new ones with the package's configurations, and export of trained ones."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, Dinov2Config, Dinov2Model

from sd4match.backbones.folders import NANO_FOLDER
from sd4match.backbones.weights import quiet

Models = dict[str, Any]  # by the name of their folder


def read_json(name: str) -> Any:
    """Read a JSON file of nano's folder."""
    return json.loads((NANO_FOLDER / name).read_text())


def scheduler(*, prediction_type: str) -> DDPMScheduler:
    """nano's noise schedule, for a UNet that predicts "epsilon" or "v_prediction"."""
    config = read_json("scheduler/scheduler_config.json")
    return DDPMScheduler.from_config(config, prediction_type=prediction_type)


def initial_models(seed: int) -> Models:
    """Make nano's models with random weights.

    Args:
        seed: seed of the weights.

    Returns:
        vae, unet, text_encoder and image_encoder, float32 on the CPU.
    """
    text, image = (read_json(f"{name}/config.json") for name in ("text_encoder", "image_encoder"))
    makers: dict[str, Callable[[], Any]] = {
        "vae": lambda: AutoencoderKL.from_config(read_json("vae/config.json")),
        "unet": lambda: UNet2DConditionModel.from_config(read_json("unet/config.json")),
        "text_encoder": lambda: CLIPTextModel(CLIPTextConfig(**text)),
        "image_encoder": lambda: Dinov2Model(Dinov2Config(**image)),
    }
    models = {}
    for name, make in makers.items():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            models[name] = make()
    return models


def export(models: Models, folder: Path, *, scaling_factor: float) -> None:
    """Write a complete diffusers folder: nano's own configurations, weights in half precision.

    Args:
        models: models from ``initial_models``; they are in half precision afterwards.
        folder: the folder to write; files in it are replaced.
        scaling_factor: factor on latents.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        for name, model in models.items():
            model.half().save_pretrained(folder / name, safe_serialization=True)
    # Last, so that the package's own configurations replace their expanded copies.
    of_its_run = shutil.ignore_patterns("*.safetensors", "README.md", "training.json", "log.jsonl")
    shutil.copytree(NANO_FOLDER, folder, ignore=of_its_run, dirs_exist_ok=True)
    path = folder / "vae" / "config.json"
    config = json.loads(path.read_text()) | {"scaling_factor": scaling_factor}
    path.write_text(json.dumps(config, indent=2) + "\n")
