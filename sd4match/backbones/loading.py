"""Loading a frozen Stable-Diffusion-shaped pipeline from the hub, a folder or the package."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextModel, CLIPTokenizer

from sd4match.backbones.architectures import Architecture, read_architecture
from sd4match.backbones.conditioning import require_text_alone
from sd4match.backbones.devices import choose_device, choose_dtype
from sd4match.backbones.fingerprints import fingerprint
from sd4match.backbones.folders import COMPONENTS, locate
from sd4match.backbones.image_encoder_facts import ImageEncoderFacts, describe_image_encoder
from sd4match.backbones.image_encoder_files import image_encoder_names
from sd4match.backbones.image_encoders import ImageEncoder, load_image_encoder
from sd4match.backbones.published_configs import IMAGE_ENCODERS
from sd4match.backbones.weights import load_model
from sd4match.errors import SD4MatchError, require_known


@dataclass(frozen=True, eq=False)
class Backbone:
    """Frozen models in evaluation mode, on one device and in one dtype.

    Attributes:
        name: the name it was loaded by, with ``@revision`` if one was given.
        fingerprint: sha256 hex of the configurations and weights that decide its features.
        architecture: its configurations.
        vae, unet, text_encoder, tokenizer: the pipeline's parts.
        scheduler: its noise schedule as a DDPM scheduler (adding noise is the same in all).
        image_encoders: kind, "dino" or "clip" -> name of the image encoder.
        device, dtype: device and floating-point type of the models.
        variant: unusual options of the computation, which change the last bits of features.
    """

    name: str
    fingerprint: str
    architecture: Architecture
    vae: AutoencoderKL
    unet: UNet2DConditionModel
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    scheduler: DDPMScheduler
    image_encoders: Mapping[str, str]
    device: torch.device
    dtype: torch.dtype
    variant: str = ""
    _loaded: dict[str, ImageEncoder] = field(default_factory=dict, repr=False)

    def image_encoder(self, kind: str) -> ImageEncoder:
        """Return the image encoder of a kind, loaded on first use.

        Args:
            kind: "dino" or "clip".

        Returns:
            The encoder, on the backbone's device and in its dtype.

        Raises:
            SD4MatchError: an unknown kind, or as ``load_image_encoder``.
        """
        require_known(kind, self.image_encoders, what="kind of image encoder")
        if kind not in self._loaded:
            self._loaded[kind] = load_image_encoder(
                kind, self.image_encoders[kind], device=self.device, dtype=self.dtype
            )
        return self._loaded[kind]

    def image_encoder_facts(self, kind: str) -> ImageEncoderFacts:
        """Describe the image encoder of a kind, without loading it.

        Args:
            kind: "dino" or "clip".

        Returns:
            Its name, fingerprint and the shapes of its outputs.

        Raises:
            SD4MatchError: an unknown kind, or as ``describe_image_encoder``.
        """
        require_known(kind, self.image_encoders, what="kind of image encoder")
        return self._loaded.get(kind) or describe_image_encoder(kind, self.image_encoders[kind])

    @property
    def image_size(self) -> int:
        """The image side the model was trained at, pixels."""
        return self.architecture.image_size

    @property
    def vae_factor(self) -> int:
        """Image pixels per latent cell, along one side."""
        return self.architecture.vae_factor

    @property
    def hidden_size(self) -> int:
        """Width of the text hidden states that condition the UNet."""
        return self.architecture.hidden_size

    @property
    def max_tokens(self) -> int:
        """Length of every prompt, including BOS, EOS and padding."""
        return self.architecture.max_tokens


def load(
    name_or_path: str,
    *,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
    revision: str | None = None,
    image_encoders: Mapping[str, str] | None = None,
    attention: str = "sdpa",
    channels_last: bool = False,
    compile: bool = False,  # noqa: A002 (torch's name)
) -> Backbone:
    """Load a backbone with all parameters frozen and all modules in evaluation mode.

    Args:
        name_or_path: "nano", a diffusers folder, or a hub id.
        device: "auto" (cuda, else mps, else cpu) or a torch device.
        dtype: "auto" (float16 on cuda, else float32), "float32", "bfloat16", "float16" or
            a torch dtype.
        revision: branch, tag or commit of a hub id.
        image_encoders: kind -> hub id, ``id@revision`` or folder, to replace the default: the
            DINOv2 in the backbone's own folder, else ``known.IMAGE_ENCODERS``.
        attention: "sdpa" (torch's fused kernels) or "plain".
        channels_last: memory format of the convolutions' weights and inputs.
        compile: compile the UNet's transformer blocks with ``torch.compile``.

    Returns:
        The pipeline's models on ``device`` in ``dtype``.

    Raises:
        SD4MatchError: not found, files missing or damaged, weights that do not match, an
            unknown device, dtype, attention or kind of image encoder.

    Note:
        The last three options change speed, and the last bits of features.
    """
    require_known(attention, ("sdpa", "plain"), what="attention")
    for kind in image_encoders or {}:
        require_known(kind, IMAGE_ENCODERS, what="kind of image encoder")
    chosen_device = choose_device(device)
    chosen_dtype = choose_dtype(dtype, chosen_device)
    folder = locate(name_or_path, revision=revision, weights=True)
    for component in COMPONENTS:
        if not (folder / component).is_dir():
            raise SD4MatchError(f"{folder}: no sub-folder {component}: fetch it again")
    facts = read_architecture(name_or_path, folder)

    def model(kind: Any, component: str) -> Any:
        return load_model(kind, folder / component, device=chosen_device, dtype=chosen_dtype)

    unet, vae = model(UNet2DConditionModel, "unet"), model(AutoencoderKL, "vae")
    require_text_alone(unet, facts)
    if attention == "plain":
        unet.set_attn_processor(AttnProcessor())
        vae.set_attn_processor(AttnProcessor())
    if channels_last:
        unet.to(memory_format=torch.channels_last)
        vae.to(memory_format=torch.channels_last)
    if compile:
        # Block by block: equally fast, and compatible with truncation and reading of layers.
        unet.compile_repeated_blocks()
    return Backbone(
        name=f"{name_or_path}@{revision}" if revision else name_or_path,
        fingerprint=fingerprint(folder),
        architecture=facts,
        vae=vae,
        unet=unet,
        text_encoder=model(CLIPTextModel, "text_encoder"),
        tokenizer=_load_tokenizer(folder / "tokenizer", facts),
        scheduler=_load_scheduler(folder / "scheduler"),
        image_encoders={**image_encoder_names(name_or_path), **(image_encoders or {})},
        device=chosen_device,
        dtype=chosen_dtype,
        variant="".join(
            f"-{name}"
            for name, chosen in (
                ("plain", attention == "plain"),
                ("channels-last", channels_last),
                ("compiled", compile),
            )
            if chosen
        ),
    )


def weight_that_is_not_finite(backbone: Backbone) -> str | None:
    """Name the first weight of a backbone that holds NaN or infinity.

    Args:
        backbone: the pipeline.

    Returns:
        Such as "unet/conv_in.weight"; None if all are finite.
    """
    for part in ("unet", "vae", "text_encoder"):
        for name, value in getattr(backbone, part).named_parameters():
            if not value.isfinite().all():
                return f"{part}/{name}"
    return None


def _load_scheduler(folder: Path) -> DDPMScheduler:
    try:
        return DDPMScheduler.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # unknown settings raise errors of many kinds
        reason = " ".join(str(error).split())[:200]
        raise SD4MatchError(
            f"{folder}: not usable as a noise schedule ({reason}): fetch it again"
        ) from error


def _load_tokenizer(folder: Path, facts: Architecture) -> CLIPTokenizer:
    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise SD4MatchError(
            f"{folder}: not loadable as CLIPTokenizer ({reason}): fetch it again"
        ) from error
    # If files are missing, transformers 5 silently makes a tokenizer of two tokens.
    if len(tokenizer) != facts.text_encoder.get("vocab_size", len(tokenizer)):
        raise SD4MatchError(
            f"{folder}: {len(tokenizer)} tokens, but the text encoder has "
            f"{facts.text_encoder['vocab_size']}: vocab.json or merges.txt is missing or wrong"
        )
    return tokenizer
