"""Learned token sequences: initial values and encoding (docs/explanation/method.md section 1)."""

import torch
from torch import Tensor

from sd4match.backbones.loading import Backbone
from sd4match.backbones.text import embed_ids, encode_embeddings
from sd4match.errors import SD4MatchError


@torch.no_grad()
def random_tokens(backbone: Backbone, *, seed: int, length: int | None = None) -> Tensor:
    """Make initial values of learned tokens: a text of random words.

    Args:
        backbone: the pipeline with the vocabulary; special tokens are not drawn.
        seed: seed of the words.
        length: number of words, 1 to 75; default: 75.

    Returns:
        (N, D) float32: the embedding layer's output, token plus position, for those words after
        BOS.

    Raises:
        SD4MatchError: the length does not fit.
    """
    most = backbone.max_tokens - 2
    length = most if length is None else length
    if not isinstance(length, int) or not 1 <= length <= most:
        raise SD4MatchError(
            f"prompt length is {length!r}: it must be a whole number from 1 to {most}"
        )
    special = set(backbone.tokenizer.all_special_ids)
    words = torch.tensor([i for i in range(len(backbone.tokenizer)) if i not in special])
    drawn = torch.randint(len(words), (length,), generator=torch.Generator().manual_seed(seed))
    ids = torch.zeros(1, backbone.max_tokens, dtype=torch.int64)
    ids[0, 1 : length + 1] = words[drawn]
    return embed_ids(backbone, ids)[0, 1 : length + 1].float()


def encode_tokens(backbone: Backbone, tokens: Tensor) -> Tensor:
    """Encode learned tokens between BOS and EOS; the rest is token 0.

    Args:
        backbone: the pipeline.
        tokens: (B, N, D), N <= 75, in place of the embedding layer's output: they contain their
            position embeddings.

    Returns:
        (B, 77, D) hidden states; gradients flow to ``tokens``.
    """
    n = tokens.shape[1]
    ids = torch.zeros(1, backbone.max_tokens, dtype=torch.int64)
    ids[0, 0] = backbone.tokenizer.bos_token_id
    ids[0, n + 1] = backbone.tokenizer.eos_token_id
    frame = embed_ids(backbone, ids).expand(len(tokens), -1, -1)
    learned = tokens.to(frame)
    return encode_embeddings(backbone, torch.cat([frame[:, :1], learned, frame[:, n + 1 :]], dim=1))


def random_hidden(backbone: Backbone, *, seed: int) -> Tensor:
    """Make initial values of learned hidden states, which skip the text encoder.

    Args:
        backbone: the pipeline, for the sizes.
        seed: seed of the draw.

    Returns:
        (77, D) float32, uniform in [0, 1).
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(backbone.max_tokens, backbone.hidden_size, generator=generator)
