"""The conditional prompting module: learned tokens, and tokens computed from image contents."""

from collections.abc import Mapping
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sd4match.backbones.loading import Backbone
from sd4match.errors import SD4MatchError, require_known
from sd4match.prompts.base import Prompt
from sd4match.prompts.family_facts import SOURCES, Dependence, check_lengths
from sd4match.prompts.learned_tokens import encode_tokens

LINEAR_RATE = 0.1
"""Factor on the learning rate of the linear layers (docs/explanation/method.md section 1)."""


class ConditionalPrompt(Prompt):
    """G global learned tokens, then C content tokens (SD4Match-CPM).

    docs/explanation/method.md section 1. With a ``Pair`` source both images of a pair share one
    prompt; with ``Img`` each has its own.

    Args:
        source: a name in ``SOURCES``.
        global_length: G.
        content_length: C.
        width: D, the text model's.
        channels: F, channels of one image's content.
        patches: T, patch tokens of an image; 1 for a ``Head`` source.
    """

    family = "cpm"
    depends_on: Dependence = "pair"
    learned = True
    options = ("source", "global_length", "content_length")

    def __init__(
        self,
        source: str,
        global_length: int,
        content_length: int,
        width: int,
        channels: int,
        patches: int,
    ) -> None:
        super().__init__()
        of_pair, self.reads = SOURCES[source]
        self.depends_on = "pair" if of_pair else "image"
        self.length = global_length + content_length
        self._config = {
            "source": source,
            "global_length": global_length,
            "content_length": content_length,
            "width": width,
            "channels": channels,
            "patches": patches,
        }
        self.global_tokens = nn.Parameter(torch.zeros(global_length, width))
        self.positions = nn.Parameter(torch.zeros(content_length, width))
        self.gate = nn.Parameter(torch.zeros(content_length, width))
        self.mix_channels = nn.Linear(channels * (1 + of_pair), width)
        mixes_patches = of_pair and self.reads.part == "feat"
        self.mix_patches = nn.Linear(patches, patches) if mixes_patches else None

    @classmethod
    def initial(
        cls,
        backbone: Backbone,
        *,
        seed: int,
        source: str = "Pair-DINO-Feat",
        global_length: int = 25,
        content_length: int = 50,
    ) -> Self:
        """See ``Prompt.initial``; the defaults are the paper's."""
        require_known(source, SOURCES, what="source of cpm prompts")
        check_lengths(global_length, content_length, most=backbone.max_tokens - 2)
        _, reads = SOURCES[source]
        patches, channels = backbone.image_encoder_facts(reads.encoder).shape(reads.part)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            prompt = cls(
                source, global_length, content_length, backbone.hidden_size, channels, patches
            )
            for start in (prompt.global_tokens, prompt.positions, prompt.gate):
                nn.init.uniform_(start)
        return prompt

    def hidden_states(
        self, backbone: Backbone, category: str | None = None, content: Tensor | None = None
    ) -> Tensor:
        """See ``Prompt.hidden_states``."""
        if content is None:
            raise SD4MatchError(
                f"a cpm prompt needs the content of each {self.depends_on} and none was given: "
                "use sd4match.prediction.features, which computes it"
            )
        tokens = self.content_tokens(content.to(self.positions))
        shared = self.global_tokens.expand(len(tokens), -1, -1)
        return encode_tokens(backbone, torch.cat([shared, tokens], dim=1))

    def content_tokens(self, content: Tensor) -> Tensor:
        """Compute the content tokens of images.

        Args:
            content: (B, T, F) for images, or (B, T, 2F) for pairs.

        Returns:
            (B, C, D).
        """
        mixed = self.mix_channels(content)
        if self.mix_patches is not None:
            mixed = self.mix_patches(mixed.mT).mT
        if mixed.shape[1] > 1:
            mixed = F.adaptive_max_pool1d(mixed.mT, len(self.positions)).mT
        tokens: Tensor = self.gate.tanh() * (self.positions + mixed)
        return tokens

    def config(self) -> Mapping[str, Any]:
        """See ``Prompt.config``."""
        return self._config

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """See ``Prompt.parameter_groups``: the linear layers learn at a tenth of the rate."""
        tokens = [self.global_tokens, self.positions, self.gate]
        linear = [p for p in self.parameters() if all(p is not token for token in tokens)]
        return [
            {"params": tokens, "lr": learning_rate},
            {"params": linear, "lr": LINEAR_RATE * learning_rate},
        ]
