"""nano as a complete diffusers folder: its configurations from the package, weights from a seed."""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, Dinov2Config, Dinov2Model

from sd4match.backbones.quiet import quiet
from sd4match.cache import cache_folder
from sd4match.errors import SD4MatchError

NANO_FOLDER = Path(__file__).parent / "nano"
"""nano's configurations and tokenizer and, once it is trained, its weights."""

SEED = 20240617


def nano_folder() -> Path:
    """Return a folder with nano's weights, built in the cache when the package has none.

    Processes may call this together: each builds in a folder of its own, and one rename wins.

    Returns:
        A diffusers folder that loads like any other.

    Raises:
        SD4MatchError: the cache folder cannot be written.
    """
    if (NANO_FOLDER / "unet" / "diffusion_pytorch_model.safetensors").is_file():
        return NANO_FOLDER
    target = cache_folder() / f"nano-{_key()}"
    if target.is_dir():
        return target
    temporary = _fresh_folder(target.parent)
    try:
        _save_random_weights(temporary)
        # Last, so that the package's own configurations stand, not their expanded copies.
        shutil.copytree(NANO_FOLDER, temporary, dirs_exist_ok=True)
        temporary.chmod(0o755)
        temporary.replace(target)
    except OSError:
        if not target.is_dir():  # another process was faster: its folder is as good
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _fresh_folder(parent: Path) -> Path:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=parent, prefix=".nano-"))
    except OSError as error:
        raise SD4MatchError(
            f"{parent}: cannot be written ({error.strerror}): set SD4MATCH_CACHE to another folder"
        ) from error


def _key() -> str:
    """Hash what the weights depend on; library versions name their tensors differently."""
    digest = hashlib.sha256()
    for file in sorted(NANO_FOLDER.rglob("*")):
        if file.is_file():
            digest.update(file.relative_to(NANO_FOLDER).as_posix().encode() + file.read_bytes())
    digest.update(Path(__file__).read_bytes())
    for library in (torch, diffusers, transformers):
        digest.update(library.__version__.encode())
    return digest.hexdigest()[:16]


def _save_random_weights(folder: Path) -> None:
    def config(component: str) -> Any:
        return json.loads((NANO_FOLDER / component / "config.json").read_text())

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        vae = AutoencoderKL.from_config(config("vae"))
        unet = UNet2DConditionModel.from_config(config("unet"))
        text = CLIPTextModel(CLIPTextConfig(**config("text_encoder")))
        image = Dinov2Model(Dinov2Config(**config("image_encoder")))
    _make_latents_informative(vae)
    models = {"vae": vae, "unet": unet, "text_encoder": text, "image_encoder": image}
    with quiet():
        for name, model in models.items():
            model.half().save_pretrained(folder / name, safe_serialization=True)


@torch.no_grad()
def _make_latents_informative(vae: AutoencoderKL) -> None:
    """Give latents about unit scale and little posterior noise, as a trained VAE has.

    As initialised, their mean is small and their standard deviation 1: nothing but noise.
    """
    channels = vae.config.latent_channels
    vae.quant_conv.weight[:channels] *= 4.0
    vae.quant_conv.weight[channels:] = 0.0
    vae.quant_conv.bias[channels:] = -8.0
