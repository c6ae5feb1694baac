"""Written prompts: a text that names the pair's category, and the empty text.

The empty text is the unconditional prompt.
"""

from collections.abc import Mapping
from typing import Any, Self

from torch import Tensor

from sd4match.backbones.loading import Backbone
from sd4match.backbones.text import encode_text
from sd4match.errors import SD4MatchError
from sd4match.prompts.base import Prompt
from sd4match.prompts.family_facts import check_template

TEMPLATE = "a photo of a {category}"


class TextPrompt(Prompt):
    """A template whose ``{category}`` is replaced by the object's name ("car" for "car(G)").

    Args:
        template: any text with ``{category}`` any number of times.

    Raises:
        SD4MatchError: the template has other fields or unbalanced braces.
    """

    family = "text"
    depends_on = "category"
    learned = False
    options = ("template",)

    def __init__(self, template: str = TEMPLATE) -> None:
        super().__init__()
        check_template(template)
        self.template = template

    @classmethod
    def initial(cls, backbone: Backbone, *, seed: int, template: str = TEMPLATE) -> Self:
        """See ``Prompt.initial``."""
        return cls(template)

    def hidden_states(
        self, backbone: Backbone, category: str | None = None, content: Tensor | None = None
    ) -> Tensor:
        """See ``Prompt.hidden_states``."""
        if category is None:
            raise SD4MatchError(
                f"text prompt {self.template!r} needs a category and none was given: name one"
            )
        text = self.template.format(category=self.subject(category))
        found, most = len(backbone.tokenizer(text).input_ids) - 2, backbone.max_tokens - 2
        if found > most:
            raise SD4MatchError(f"prompt {text!r} has {found} tokens, {most} fit: shorten it")
        return encode_text(backbone, text)

    def config(self) -> Mapping[str, Any]:
        """See ``Prompt.config``."""
        return {"template": self.template}


class EmptyPrompt(Prompt):
    """The text "", encoded by tokenizer and text encoder."""

    family = "empty"
    depends_on = "nothing"
    learned = False

    @classmethod
    def initial(cls, backbone: Backbone, *, seed: int) -> Self:
        """See ``Prompt.initial``; there are no options."""
        return cls()

    def hidden_states(
        self, backbone: Backbone, category: str | None = None, content: Tensor | None = None
    ) -> Tensor:
        """See ``Prompt.hidden_states``."""
        return encode_text(backbone, "")
