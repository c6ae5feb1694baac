"""What every prompt family has in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from torch import Tensor, nn

from sd4match.backbones import Backbone

Dependence = Literal["nothing", "category", "image", "pair"]


@dataclass(frozen=True)
class MadeFor:
    """The backbone that a prompt belongs to: its name, for people, and its fingerprint."""

    name: str
    fingerprint: str


class Prompt(nn.Module, ABC):
    """A way to make the UNet's ``encoder_hidden_states`` (METHOD.md section 1).

    A family is one module with one subclass; tuning, prediction, files and studies read only the
    attributes below. What is learned are the module's parameters, in fp32 whatever the backbone's
    dtype; ``type(prompt)(**prompt.config(), **prompt.state_dict())`` is the same prompt again.

    Attributes:
        family: the name users write.
        depends_on: what the hidden states vary with; features are cached by exactly that.
        learned: whether there is something to tune.
        options: the settings ``create`` understands, seed apart.
        length: number of learned tokens, None where there are none.
        made_for: the backbone it belongs to; None for one that was built by hand.
    """

    family: ClassVar[str]
    depends_on: ClassVar[Dependence]
    learned: ClassVar[bool]
    options: ClassVar[tuple[str, ...]] = ()
    length: int | None = None
    made_for: MadeFor | None = None

    @classmethod
    @abstractmethod
    def initial(cls, backbone: Backbone, *args: Any, **options: Any) -> Self:
        """The prompt before any learning: takes ``seed`` and the family's ``options`` by keyword.

        Use ``sd4match.prompts.create``, which checks them.
        """

    @abstractmethod
    def hidden_states(self, backbone: Backbone, category: str | None = None) -> Tensor:
        """Encode the prompt.

        Args:
            backbone: the pipeline that the prompt belongs to.
            category: the pair's category; needed where ``depends_on`` is "category".

        Returns:
            (1, 77, D) hidden states on the backbone's device and in its dtype, with gradients
            to the learned parameters.

        Raises:
            SD4MatchError: when the prompt needs a category and got none.
        """

    def config(self) -> Mapping[str, Any]:
        """What, besides the tensors, makes this prompt; plain JSON values."""
        return {}
