"""The text encoder, applied to text, token ids or token embeddings."""

from typing import Any

import torch
from torch import Tensor

from sd4match.backbones.loading import Backbone


def token_ids(backbone: Backbone, text: str) -> Tensor:
    """Tokenize a text as the pipeline does: BOS, words, EOS, the tokenizer's own padding.

    Args:
        backbone: the pipeline.
        text: any text; it is truncated to the maximal length.

    Returns:
        (1, 77) int64 on the backbone's device.
    """
    ids: Tensor = backbone.tokenizer(
        text,
        padding="max_length",
        max_length=backbone.max_tokens,
        truncation=True,
        return_tensors="pt",
    ).input_ids
    return ids.to(backbone.device)


def embed_ids(backbone: Backbone, ids: Tensor) -> Tensor:
    """Apply the text model's embedding layer to token ids.

    Args:
        backbone: the pipeline.
        ids: (B, 77) int64.

    Returns:
        (B, 77, D) token plus position embeddings, in the backbone's dtype.
    """
    embeddings: Tensor = _core(backbone).embeddings(input_ids=ids.to(backbone.device))
    return embeddings


def encode_embeddings(backbone: Backbone, embeddings: Tensor) -> Tensor:
    """Run the text model on the output of its embedding layer.

    The text model takes only token ids, so a hook replaces the output of its embedding layer by the
    embeddings (docs/explanation/method.md section 7). Gradients flow to them.

    Args:
        backbone: the pipeline.
        embeddings: (B, 77, D), token plus position, as from ``embed_ids``.

    Returns:
        (B, 77, D) hidden states for the UNet, in the backbone's dtype.
    """
    given = embeddings.to(backbone.device, backbone.dtype)
    placeholder = torch.zeros(given.shape[:2], dtype=torch.int64, device=backbone.device)

    hook = _core(backbone).embeddings.register_forward_hook(lambda *_: given)
    try:
        hidden: Tensor = backbone.text_encoder(input_ids=placeholder).last_hidden_state
    finally:
        hook.remove()
    return hidden


@torch.no_grad()
def encode_text(backbone: Backbone, text: str) -> Tensor:
    """Encode a text as diffusers' ``encode_prompt`` does.

    Args:
        backbone: the pipeline.
        text: any text, also "".

    Returns:
        (1, 77, D) hidden states, in the backbone's dtype.
    """
    hidden: Tensor = backbone.text_encoder(input_ids=token_ids(backbone, text)).last_hidden_state
    return hidden


def _core(backbone: Backbone) -> Any:
    """Return the module that holds ``embeddings``; transformers 5.6 removed a level."""
    return getattr(backbone.text_encoder, "text_model", backbone.text_encoder)
