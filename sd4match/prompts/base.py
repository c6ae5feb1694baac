"""What every prompt family has in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from sd4match.backbones.known import Reads
from sd4match.backbones.loading import Backbone
from sd4match.datasets.benchmark import object_name
from sd4match.prompts.known import Dependence


@dataclass(frozen=True)
class MadeFor:
    """A model that a prompt belongs to: its name, for people, and its fingerprint."""

    name: str
    fingerprint: str


class Prompt(nn.Module, ABC):
    """A way to make the UNet's ``encoder_hidden_states`` (docs/explanation/method.md section 1).

    A family is one module with one subclass; tuning, prediction, files and studies read only the
    attributes below. What is learned are the module's parameters, in fp32 whatever the backbone's
    dtype; ``type(prompt)(**prompt.config())`` with its ``state_dict`` is the same prompt again.

    Attributes:
        family: the name users write.
        depends_on: what the hidden states vary with; features are cached by exactly that.
        learned: whether there is something to tune.
        options: the settings ``create`` understands, seed apart.
        reads: what it wants to know of images, where it depends on an image or a pair.
        length: number of learned tokens, None where there are none.
        made_for: the backbone it belongs to; None for one that was built by hand.
        encoder_made_for: the image encoder it belongs to, where it reads one.
    """

    family: ClassVar[str]
    depends_on: Dependence
    learned: ClassVar[bool]
    options: ClassVar[tuple[str, ...]] = ()
    reads: Reads | None = None
    length: int | None = None
    made_for: MadeFor | None = None
    encoder_made_for: MadeFor | None = None

    @classmethod
    @abstractmethod
    def initial(cls, backbone: Backbone, *args: Any, **options: Any) -> Self:
        """The prompt before any learning: takes ``seed`` and the family's ``options`` by keyword.

        Use ``sd4match.prompts.create``, which checks them.
        """

    @abstractmethod
    def hidden_states(
        self, backbone: Backbone, category: str | None = None, content: Tensor | None = None
    ) -> Tensor:
        """Encode the prompt; ``sd4match.prediction.features.hidden_states`` does it for images of pairs.

        Args:
            backbone: the pipeline that the prompt belongs to.
            category: the pair's category; needed where ``depends_on`` is "category".
            content: (B, T, F) what ``reads`` names, of B images; of B pairs (B, T, 2F), the
                source's channels first.

        Returns:
            (1, 77, D) hidden states, (B, 77, D) of contents, on the backbone's device and in its
            dtype, with gradients to the learned parameters.

        Raises:
            SD4MatchError: the prompt does not know the category, or needs one and got none.
        """

    def subject(self, category: str) -> str:
        """What a category is called here: equal for categories that are conditioned alike.

        Args:
            category: of any benchmark; PF-Willow's are sub-classes.

        Returns:
            A name; where ``depends_on`` is "category" it decides the hidden states.

        Raises:
            SD4MatchError: the prompt does not know the category.
        """
        return object_name(category)

    def config(self) -> Mapping[str, Any]:
        """The arguments it was built with, besides the tensors: plain JSON values."""
        return {}

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """What the optimiser learns, and how fast (docs/explanation/method.md section 1)."""
        return [{"params": list(self.parameters()), "lr": learning_rate}]
