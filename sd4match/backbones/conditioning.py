"""Whether a UNet runs on what text-to-image models get."""

import torch
from diffusers import UNet2DConditionModel
from torch.func import functional_call

from sd4match.backbones.architectures import Architecture
from sd4match.errors import SD4MatchError

_SIDE = 16
"""Side of the latent of the trial pass, cells."""


@torch.no_grad()
def require_text_alone(unet: UNet2DConditionModel, architecture: Architecture) -> None:
    """Refuse a UNet whose forward pass needs more than a latent, a timestep and text.

    A pass on tensors without values asks the model itself: class labels, image embeddings, sizes
    and whatever later versions of diffusers add are all refused.

    Args:
        unet: the model, with or without weights; it is not changed.
        architecture: the configurations of its pipeline.

    Raises:
        SD4MatchError: it needs another condition, or does not run at all.
    """
    values = {
        name: torch.empty_like(value, device="meta") for name, value in unet.state_dict().items()
    }
    channels = architecture.vae["latent_channels"]
    text = (1, architecture.max_tokens, architecture.hidden_size)
    given = {
        "sample": torch.empty(1, channels, _SIDE, _SIDE, device="meta", dtype=unet.dtype),
        "timestep": torch.zeros(1, device="meta"),
        "encoder_hidden_states": torch.empty(text, device="meta", dtype=unet.dtype),
        "added_cond_kwargs": {},  # so that diffusers names what is missing
    }
    try:
        functional_call(unet, values, kwargs=given)
    except Exception as error:  # of many kinds
        reason = " ".join(str(error).split())[:300].rstrip(" .")
        raise SD4MatchError(
            f"{architecture.name}: its UNet does not run on a latent, a timestep and text alone "
            f"({reason}): use a text-to-image model without other conditions"
        ) from error
