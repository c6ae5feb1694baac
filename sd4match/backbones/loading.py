"""A frozen Stable-Diffusion-shaped pipeline, from the hub, a folder or the package."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer, Dinov2Model

from sd4match.backbones.architectures import Architecture, read_architecture
from sd4match.backbones.devices import choose_device, choose_dtype
from sd4match.backbones.fingerprint import fingerprint
from sd4match.backbones.folders import COMPONENTS, locate, read_config, weight_files
from sd4match.backbones.quiet import no_progress_bars
from sd4match.errors import SD4MatchError


@dataclass(frozen=True, eq=False)
class Backbone:
    """Frozen models in evaluation mode, on one device and in one dtype.

    Attributes:
        name: what it was asked for by.
        fingerprint: sha256 hex of the configurations and weights that decide its features.
        architecture: its configurations.
        vae, unet, text_encoder, tokenizer: the pipeline's parts.
        scheduler: its noise schedule, as a DDPM one (adding noise is the same in all).
        image_encoder: DINOv2 where the folder brings one (nano does), else None.
        device, dtype: where and in what the models compute.
    """

    name: str
    fingerprint: str
    architecture: Architecture
    vae: AutoencoderKL
    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    scheduler: DDPMScheduler
    image_encoder: Dinov2Model | None
    device: torch.device
    dtype: torch.dtype

    @property
    def image_size(self) -> int:
        """The image side the model was trained at, pixels."""
        return self.architecture.image_size

    @property
    def vae_factor(self) -> int:
        """Image pixels a latent cell, along one side."""
        return self.architecture.vae_factor

    @property
    def latent_multiple(self) -> int:
        """What an image side must be a multiple of."""
        return self.architecture.latent_multiple

    @property
    def hidden_size(self) -> int:
        """Width of the text hidden states that condition the UNet."""
        return self.architecture.hidden_size

    @property
    def max_tokens(self) -> int:
        """Length of every prompt, BOS, EOS and padding included."""
        return self.architecture.max_tokens


def load(
    name_or_path: str,
    *,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
    revision: str | None = None,
) -> Backbone:
    """Load a backbone: every parameter frozen, every module in evaluation mode.

    Args:
        name_or_path: "nano", a diffusers folder, or a hub id.
        device: "auto" (cuda, else mps, else cpu) or a torch device.
        dtype: "auto" (float16 on cuda, else float32), "float32", "bfloat16", "float16" or
            a torch dtype.
        revision: branch, tag or commit of a hub id.

    Returns:
        The pipeline's models on ``device`` in ``dtype``.

    Raises:
        SD4MatchError: nothing there, files missing or broken, weights that do not fit, an
            unknown device or dtype.
    """
    chosen_device = choose_device(device)
    chosen_dtype = choose_dtype(dtype, chosen_device)
    folder = locate(name_or_path, revision=revision, weights=True)
    for component in COMPONENTS:
        if not (folder / component).is_dir():
            raise SD4MatchError(f"{folder}: no sub-folder {component}: fetch it again")
    facts = read_architecture(name_or_path, folder)

    def model(kind: Any, component: str) -> Any:
        loaded = _load_model(kind, folder / component, chosen_dtype)
        return loaded.requires_grad_(False).eval().to(chosen_device)

    return Backbone(
        name=name_or_path,
        fingerprint=fingerprint(folder),
        architecture=facts,
        vae=model(AutoencoderKL, "vae"),
        unet=model(UNet2DConditionModel, "unet"),
        text_encoder=model(CLIPTextModel, "text_encoder"),
        tokenizer=_load_tokenizer(folder / "tokenizer", facts),
        scheduler=DDPMScheduler.from_pretrained(folder / "scheduler", local_files_only=True),
        image_encoder=model(Dinov2Model, "image_encoder") if _has_dino(folder) else None,
        device=chosen_device,
        dtype=chosen_dtype,
    )


def _load_model(kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    weight_files(folder)  # its error says what to do; the libraries' do not
    # The two libraries renamed this argument at different times.
    from_transformers = kind.__module__.startswith("transformers")
    named = {"dtype" if from_transformers else "torch_dtype": dtype}
    try:
        with no_progress_bars():
            model, info = kind.from_pretrained(
                folder,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                **named,
            )
    except Exception as error:  # broken files raise every kind of error in here
        reason = " ".join(str(error).split())[:300]
        raise SD4MatchError(f"{folder}: not loadable as {kind.__name__}: {reason}") from error
    # A loader fills what is missing with random numbers and goes on (METHOD.md section 7).
    # Older CLIP files store position_ids, which are constants now.
    problems = {
        "missing": sorted(info["missing_keys"]),
        "unexpected": sorted(k for k in info["unexpected_keys"] if not k.endswith("position_ids")),
        "misshapen": sorted(str(key) for key in info.get("mismatched_keys", ())),
    }
    for what, keys in problems.items():
        if keys:
            raise SD4MatchError(
                f"{folder}: {len(keys)} weights {what} for {kind.__name__} (such as {keys[0]}): "
                "the files do not fit their config.json or these library versions: fetch them "
                "again, or save them anew with the installed transformers and diffusers"
            )
    return model


def _load_tokenizer(folder: Path, facts: Architecture) -> CLIPTokenizer:
    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise SD4MatchError(f"{folder}: not loadable as CLIPTokenizer: {error}") from error
    # Where files are missing transformers 5 quietly makes a tokenizer of two tokens.
    if len(tokenizer) != facts.text_encoder.get("vocab_size", len(tokenizer)):
        raise SD4MatchError(
            f"{folder}: {len(tokenizer)} tokens, but the text encoder has "
            f"{facts.text_encoder['vocab_size']}: vocab.json or merges.txt is missing or wrong"
        )
    return tokenizer


def _has_dino(folder: Path) -> bool:
    config = folder / "image_encoder" / "config.json"
    return config.is_file() and read_config(config).get("model_type") == "dinov2"
