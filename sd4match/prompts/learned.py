"""Learned sequences of token embeddings or hidden states: one for all, or one per category."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from sd4match.backbones.loading import Backbone
from sd4match.errors import SD4MatchError
from sd4match.prompts.base import Prompt
from sd4match.prompts.family_facts import serving_category
from sd4match.prompts.learned_tokens import encode_tokens, random_hidden, random_tokens


class SinglePrompt(Prompt):
    """N learned tokens between BOS and EOS (SD4Match-Single).

    They replace the embedding layer's output, token plus position.

    Args:
        length: N.
        width: D, the width of the text model.
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
    """All 77 hidden states, learned directly, without the text encoder."""

    family = "single_hidden"
    options = ()

    @staticmethod
    def _start(backbone: Backbone, seed: int, length: int | None) -> Tensor:
        return random_hidden(backbone, seed=seed)

    @staticmethod
    def _encode(backbone: Backbone, sequence: Tensor) -> Tensor:
        return sequence.to(backbone.device, backbone.dtype)


class ClassPrompt(Prompt):
    """N learned tokens per category (SD4Match-Class).

    Args:
        length: N.
        width: D, the width of the text model.
        categories: names; each gets a sequence of its own.
    """

    family = "class"
    depends_on = "category"
    learned = True
    options: ClassVar[tuple[str, ...]] = ("length", "categories")

    def __init__(self, length: int, width: int, categories: Sequence[str]) -> None:
        super().__init__()
        self.categories = tuple(categories)
        # Separate parameters: a category that no batch had yet does not move.
        self.embeddings = nn.ParameterList(torch.zeros(length, width) for _ in self.categories)
        self.length = length

    @classmethod
    def initial(
        cls,
        backbone: Backbone,
        *,
        seed: int,
        categories: Sequence[str] = (),
        length: int | None = None,
    ) -> Self:
        """See ``Prompt.initial``; ``categories`` are the training pairs' categories."""
        if not categories or isinstance(categories, str):
            raise SD4MatchError(
                f"a {cls.family} prompt needs a list of categories: give the training pairs' own"
            )
        # The initial values of a category do not depend on the others.
        starts = {
            name: cls._start(backbone, _seed(seed, name), length)
            for name in sorted(set(categories))
        }
        length, width = next(iter(starts.values())).shape
        prompt = cls(length, width, tuple(starts))
        for parameter, values in zip(prompt.embeddings, starts.values(), strict=True):
            parameter.data.copy_(values)
        return prompt

    def hidden_states(
        self, backbone: Backbone, category: str | None = None, content: Tensor | None = None
    ) -> Tensor:
        """See ``Prompt.hidden_states``."""
        known = self.categories.index(self.subject(category or ""))
        return self._encode(backbone, self.embeddings[known][None])

    def subject(self, category: str) -> str:
        """See ``Prompt.subject``: the learned category whose prompt is used."""
        served = serving_category(self.categories, category)
        if served is None:
            raise SD4MatchError(
                f"the {self.family} prompt was never learned for category {category!r}: it knows "
                f"{', '.join(self.categories)}; use only those (--category), or another prompt"
            )
        return served

    def config(self) -> Mapping[str, Any]:
        """See ``Prompt.config``."""
        length, width = self.embeddings[0].shape
        return {"length": length, "width": width, "categories": list(self.categories)}

    @staticmethod
    def _start(backbone: Backbone, seed: int, length: int | None) -> Tensor:
        return random_tokens(backbone, seed=seed, length=length)

    @staticmethod
    def _encode(backbone: Backbone, sequence: Tensor) -> Tensor:
        return encode_tokens(backbone, sequence)


class ClassHiddenPrompt(ClassPrompt):
    """All 77 hidden states of each category, learned directly, without the text encoder."""

    family = "class_hidden"
    options = ("categories",)

    @staticmethod
    def _start(backbone: Backbone, seed: int, length: int | None) -> Tensor:
        return random_hidden(backbone, seed=seed)

    @staticmethod
    def _encode(backbone: Backbone, sequence: Tensor) -> Tensor:
        return sequence.to(backbone.device, backbone.dtype)


def _seed(seed: int, category: str) -> int:
    digest = hashlib.sha256(f"{seed}:{category}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
