"""The empty text: the unconditional prompt."""

from typing import Self

from torch import Tensor

from sd4match.backbones import Backbone
from sd4match.backbones.text import encode_text
from sd4match.prompts.base import Prompt


class EmptyPrompt(Prompt):
    """The text "" through tokenizer and text encoder."""

    family = "empty"
    depends_on = "nothing"
    learned = False

    @classmethod
    def initial(cls, backbone: Backbone, *, seed: int) -> Self:
        """See ``Prompt.initial``; there is nothing to choose."""
        return cls()

    def hidden_states(
        self, backbone: Backbone, category: str | None = None, content: Tensor | None = None
    ) -> Tensor:
        """See ``Prompt.hidden_states``."""
        return encode_text(backbone, "")
