"""Export of learned tokens to files for diffusers' ``load_textual_inversion``."""

import os

import torch
from safetensors.torch import save_file

from sd4match.backbones.loading import Backbone
from sd4match.backbones.text import embed_ids
from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from sd4match.prompts.base import Prompt
from sd4match.prompts.learned import (
    ClassHiddenPrompt,
    ClassPrompt,
    SingleHiddenPrompt,
    SinglePrompt,
)

TOKEN = "<sd4match>"
"""The default word for the prompt in a text."""


@torch.no_grad()
def export_textual_inversion(
    prompt: Prompt,
    path: str | os.PathLike[str],
    backbone: Backbone,
    *,
    token: str = TOKEN,
    category: str | None = None,
) -> None:
    """Write learned tokens as a textual inversion: safetensors with the token's (N, D) vectors.

    Our tokens contain their position embeddings, 1 to N, and diffusers adds position embeddings to
    every token: they are subtracted here. The text to use is the token alone. Its first N + 2
    hidden states, from BOS to EOS, are then those of the prompt; the others differ, because
    diffusers pads with the tokenizer's own padding and the prompt with token 0.

    Args:
        prompt: a single or class prompt; the others are not fixed tokens.
        path: the file to write; the usual suffix is ``.safetensors``.
        backbone: the pipeline that it belongs to, in float32 for exact positions.
        token: the word for the prompt in a text.
        category: category of a class prompt; there is one file per category.

    Raises:
        SD4MatchError: another family; a category missing, unknown or given for a single prompt;
            a token that is not a new word.

    Example:
        >>> prompts.export_textual_inversion(
        ...     prompt, "cat.safetensors", backbone, category="cat"
        ... )  # doctest: +SKIP
        >>> pipe.load_textual_inversion("cat.safetensors")  # doctest: +SKIP
        >>> pipe("<sd4match>")  # doctest: +SKIP
    """
    if not isinstance(prompt, (SinglePrompt, ClassPrompt)) or isinstance(
        prompt, (SingleHiddenPrompt, ClassHiddenPrompt)
    ):
        raise SD4MatchError(
            f"{prompt.family} prompts are not fixed tokens, which a textual inversion needs: "
            "export a single or class prompt"
        )
    if token.split() != [token] or token in backbone.tokenizer.get_vocab():
        raise SD4MatchError(
            f"textual inversion token {token!r} must be one word that is new to {backbone.name}: "
            f"use one like {TOKEN}"
        )
    if isinstance(prompt, SinglePrompt) == (category is not None):
        raise SD4MatchError(
            f"{prompt.family} prompt with category {category!r}: name a category for class prompts "
            "(one file each), and none for single prompts"
        )
    if isinstance(prompt, SinglePrompt):
        learned = prompt.embeddings
    else:
        learned = prompt.embeddings[prompt.categories.index(prompt.subject(category or ""))]
    blank = torch.zeros(1, backbone.max_tokens, dtype=torch.int64)
    word = backbone.text_encoder.get_input_embeddings().weight[0]
    positions = (embed_ids(backbone, blank)[0] - word)[1 : len(learned) + 1]
    vectors = (learned.to(backbone.device) - positions.float()).cpu().contiguous()
    with atomic_path(path) as temporary:
        save_file({token: vectors}, temporary, metadata={"format": "pt"})
