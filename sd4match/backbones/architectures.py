"""Architecture of a backbone: its configurations, checked without weights or torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sd4match.backbones.folders import locate, read_config
from sd4match.backbones.published_configs import CONFIGS
from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Layer, Place, names_of

LAYERS = (0, 1, 2, 3)
"""The up blocks whose outputs are features (docs/explanation/method.md section 1)."""


_BETAS = {"beta_schedule", "trained_betas"}
"""Every scheduler with a variance schedule saves both."""


@dataclass(frozen=True)
class Architecture:
    """The configurations of a Stable-Diffusion-shaped pipeline, checked for consistency.

    Attributes:
        name: hub id, folder or "nano".
        unet: configuration of the ``UNet2DConditionModel``.
        vae: configuration of the ``AutoencoderKL``.
        text_encoder: configuration of the ``CLIPTextModel``.
        scheduler: configuration of the noise schedule.

    Raises:
        SD4MatchError: not four up blocks, other classes, or parts that do not fit each other.
    """

    name: str
    unet: Mapping[str, Any] = field(hash=False)
    vae: Mapping[str, Any] = field(hash=False)
    text_encoder: Mapping[str, Any] = field(hash=False)
    scheduler: Mapping[str, Any] = field(hash=False)

    def __post_init__(self) -> None:
        for part, owner, expected in (
            (self.unet, "unet", "UNet2DConditionModel"),
            (self.vae, "vae", "AutoencoderKL"),
        ):
            if part.get("_class_name") != expected:
                raise SD4MatchError(
                    f"{self.name}: {owner}/config.json describes a {part.get('_class_name')}, "
                    f"not a {expected}: use a Stable Diffusion 1 or 2 pipeline"
                )
        if not self.scheduler.keys() & _BETAS:
            raise SD4MatchError(
                f"{self.name}: scheduler/scheduler_config.json has no betas "
                f"({self.scheduler.get('_class_name')}): use a pipeline that was trained with "
                "noise of a variance schedule, not with flow matching"
            )
        for part, owner, keys in (
            (self.unet, "unet", ("sample_size", "cross_attention_dim", "up_block_types")),
            (self.vae, "vae", ("block_out_channels", "latent_channels")),
            (self.text_encoder, "text_encoder", ("hidden_size",)),
        ):
            if missing := [key for key in keys if part.get(key) is None]:
                raise SD4MatchError(
                    f"{self.name}: {owner}/config.json lacks {', '.join(missing)}: "
                    "use a Stable Diffusion 1 or 2 pipeline"
                )
        if len(self.unet["up_block_types"]) != len(LAYERS):
            raise SD4MatchError(
                f"{self.name}: the UNet has {len(self.unet['up_block_types'])} up blocks where "
                "layers 0 to 3 need four: use a Stable Diffusion 1 or 2 pipeline"
            )
        width = self.unet["cross_attention_dim"]
        if {*(width if isinstance(width, list) else [width])} != {self.hidden_size}:
            raise SD4MatchError(
                f"{self.name}: the UNet's cross_attention_dim is {width} but the text encoder's "
                f"hidden_size is {self.hidden_size}: take both from one model"
            )
        if self.unet.get("in_channels", 4) != self.vae["latent_channels"]:
            raise SD4MatchError(
                f"{self.name}: the UNet takes {self.unet['in_channels']} channels but the VAE "
                f"makes {self.vae['latent_channels']}: use a plain text-to-image model"
            )

    @property
    def vae_factor(self) -> int:
        """Image pixels per latent cell, along one side (8 for Stable Diffusion).

        Image sides must be a multiple of it; the UNet itself takes any latent side.
        """
        return int(2 ** (len(self.vae["block_out_channels"]) - 1))

    @property
    def image_size(self) -> int:
        """The image side the model was trained at, pixels; the square of as many for others."""
        side = self.unet["sample_size"]
        if isinstance(side, list):
            side = round(math.sqrt(side[0] * side[1]))
        return int(side) * self.vae_factor

    @property
    def hidden_size(self) -> int:
        """Width of the text hidden states that condition the UNet."""
        return int(self.text_encoder["hidden_size"])

    @property
    def max_tokens(self) -> int:
        """Length of every prompt, including BOS, EOS and padding."""
        return int(self.text_encoder.get("max_position_embeddings", 77))

    @property
    def n_timesteps(self) -> int:
        """Number of timesteps of the noise schedule; the first is 0."""
        return int(self.scheduler.get("num_train_timesteps", 1000))

    def places(self, block: int) -> int:
        """Return how many places an up block has: one after each of its resnets.

        Args:
            block: one of `LAYERS`.
        """
        per_block = self.unet.get("layers_per_block", 2)
        if not isinstance(per_block, int):  # one number for each down block, from the input
            per_block = tuple(per_block)[::-1][block]
        return int(per_block) + 1

    def check(
        self,
        *,
        image_size: int | None = None,
        layers: tuple[Layer, ...] = (),
        timestep: int | None = None,
    ) -> None:
        """Refuse settings that this architecture cannot run.

        Args:
            image_size: side of the square input, pixels.
            layers: up blocks, or places inside them, to read.
            timestep: noise level.

        Raises:
            SD4MatchError: with what is wrong, and the nearest valid value.
        """
        step = self.vae_factor
        if image_size is not None and (image_size < step or image_size % step):
            below = image_size // step * step
            nearest = f"{below} or {below + step}" if below > 0 else f"{step} or more"
            raise SD4MatchError(
                f"image size {image_size}: {self.name} needs a multiple of {step}: use {nearest}"
            )
        for layer in layers:
            block, place = names_of(layer)
            if block not in LAYERS:
                raise SD4MatchError(f"layer {block}: {self.name} has layers 0, 1, 2 and 3")
            if isinstance(layer, Place) and not 1 <= layer.number <= self.places(block):
                raise SD4MatchError(
                    f"place {place} of layer {block}: {self.name} has the places 1 to "
                    f"{self.places(block)} and output there"
                )
        if timestep is not None and not 0 <= timestep < self.n_timesteps:
            raise SD4MatchError(
                f"timestep {timestep}: {self.name} has timesteps 0 to {self.n_timesteps - 1}"
            )


def architecture(name_or_path: str, revision: str | None = None) -> Architecture:
    """Describe a backbone from its configuration files alone.

    SD 1-5's and SD 2-1's hub ids are built in and need neither network nor files.

    Args:
        name_or_path: hub id, "nano", or a folder (configurations are enough).
        revision: branch, tag or commit of a hub id that is not built in.

    Returns:
        The checked configurations.

    Raises:
        SD4MatchError: not found, unreadable, or not Stable-Diffusion-shaped.
    """
    if name_or_path in CONFIGS:
        return Architecture(name_or_path, **CONFIGS[name_or_path])
    return read_architecture(name_or_path, locate(name_or_path, revision=revision, weights=False))


def read_architecture(name: str, folder: Path) -> Architecture:
    """Read the configurations of a pipeline folder.

    Args:
        name: its name in messages.
        folder: a diffusers folder, with or without weights.

    Returns:
        The checked configurations.

    Raises:
        SD4MatchError: a file is missing or unreadable, or the parts do not match.
    """
    return Architecture(
        name,
        unet=read_config(folder / "unet" / "config.json"),
        vae=read_config(folder / "vae" / "config.json"),
        text_encoder=read_config(folder / "text_encoder" / "config.json"),
        scheduler=read_config(folder / "scheduler" / "scheduler_config.json"),
    )
