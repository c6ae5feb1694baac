"""One learned sequence of token embeddings for a whole data set."""

from typing import Self

from torch import Tensor, nn

from sd4match.backbones import Backbone
from sd4match.prompts.base import Prompt
from sd4match.prompts.tokens import encode_tokens, random_tokens


class SinglePrompt(Prompt):
    """N learned tokens between BOS and EOS (SD4Match-Single).

    Args:
        embeddings: (N, D) start values; they stand for the embedding layer's output, token and
            position together.
    """

    family = "single"
    depends_on = "nothing"
    learned = True
    options = ("length",)

    def __init__(self, embeddings: Tensor) -> None:
        super().__init__()
        self.embeddings = nn.Parameter(embeddings.detach().float().clone())
        self.length = len(embeddings)

    @classmethod
    def initial(cls, backbone: Backbone, *, seed: int, length: int | None = None) -> Self:
        """See ``Prompt.initial`` and ``random_tokens``."""
        return cls(random_tokens(backbone, seed=seed, length=length))

    def hidden_states(self, backbone: Backbone, category: str | None = None) -> Tensor:
        """See ``Prompt.hidden_states``."""
        return encode_tokens(backbone, self.embeddings[None])
