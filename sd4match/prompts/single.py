"""One learned sequence for a whole data set: of token embeddings, or of hidden states."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from sd4match.backbones import Backbone
from sd4match.prompts.base import Prompt
from sd4match.prompts.tokens import encode_tokens, random_hidden, random_tokens


class SinglePrompt(Prompt):
    """N learned tokens between BOS and EOS (SD4Match-Single).

    They stand for the embedding layer's output, token and position together.

    Args:
        length: N.
        width: D, the text model's.
    """

    family = "single"
    depends_on = "nothing"
    learned = True
    options: ClassVar[tuple[str, ...]] = ("length",)

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.embeddings = nn.Parameter(torch.zeros(length, width))
        self.length = length

    @classmethod
    def initial(cls, backbone: Backbone, *, seed: int, length: int | None = None) -> Self:
        """See ``Prompt.initial``."""
        values = cls._start(backbone, seed, length)
        prompt = cls(*values.shape)
        prompt.embeddings.data.copy_(values)
        return prompt

    def hidden_states(
        self, backbone: Backbone, category: str | None = None, content: Tensor | None = None
    ) -> Tensor:
        """See ``Prompt.hidden_states``."""
        return self._encode(backbone, self.embeddings[None])

    def config(self) -> Mapping[str, Any]:
        """See ``Prompt.config``."""
        length, width = self.embeddings.shape
        return {"length": length, "width": width}

    @staticmethod
    def _start(backbone: Backbone, seed: int, length: int | None) -> Tensor:
        return random_tokens(backbone, seed=seed, length=length)

    @staticmethod
    def _encode(backbone: Backbone, sequence: Tensor) -> Tensor:
        return encode_tokens(backbone, sequence)


class SingleHiddenPrompt(SinglePrompt):
    """All 77 hidden states learned themselves, without the text encoder."""

    family = "single_hidden"
    options = ()

    @staticmethod
    def _start(backbone: Backbone, seed: int, length: int | None) -> Tensor:
        return random_hidden(backbone, seed=seed)

    @staticmethod
    def _encode(backbone: Backbone, sequence: Tensor) -> Tensor:
        return sequence.to(backbone.device, backbone.dtype)
