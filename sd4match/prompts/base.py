"""The interface of all prompt families."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from sd4match.backbones.loading import Backbone
from sd4match.backbones.published_configs import Reads
from sd4match.datasets.benchmark import object_name
from sd4match.prompts.family_facts import Dependence


@dataclass(frozen=True)
class MadeFor:
    """A model that a prompt belongs to: its name, for messages, and its fingerprint."""

    name: str
    fingerprint: str


class Prompt(nn.Module, ABC):
    """A way to make the UNet's ``encoder_hidden_states`` (docs/explanation/method.md section 1).

    A family is a subclass; tuning, prediction, files and studies use only the attributes below. The
    module's parameters are learned, in float32 for every dtype of the backbone;
    ``type(prompt)(**prompt.config())`` with its ``state_dict`` is an equal prompt.

    Attributes:
        family: the family's name.
        depends_on: what decides the hidden states; features are cached by exactly that.
        learned: whether it can be tuned.
        options: names of the settings of ``create``, except the seed.
        reads: what it reads of images, if it depends on an image or a pair.
        length: number of learned tokens, None if there are none.
        made_for: the backbone it belongs to; None for a prompt without one.
        encoder_made_for: the image encoder it belongs to, if it reads images.
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
        """Make the prompt before any learning.

        Takes ``seed`` and the family's ``options`` by keyword. ``prompts.create`` checks them.
        """

    @abstractmethod
    def hidden_states(
        self, backbone: Backbone, category: str | None = None, content: Tensor | None = None
    ) -> Tensor:
        """Encode the prompt.

        ``sd4match.prediction.features.hidden_states`` does it for images of pairs.

        Args:
            backbone: the pipeline that the prompt belongs to.
            category: the pair's category; needed if ``depends_on`` is "category".
            content: what ``reads`` names: (B, T, F) for B images, or (B, T, 2F) for B pairs, the
                source's channels first.

        Returns:
            (1, 77, D) hidden states, (B, 77, D) for contents, on the backbone's device and in its
            dtype, with gradients to the learned parameters.

        Raises:
            SD4MatchError: the prompt does not know the category, or needs one and none is given.
        """

    def subject(self, category: str) -> str:
        """Return the prompt's own name of a category.

        Args:
            category: a category of any data set; PF-Willow's are sub-classes.

        Returns:
            A name; if ``depends_on`` is "category", it decides the hidden states.

        Raises:
            SD4MatchError: the prompt does not know the category.
        """
        return object_name(category)

    def config(self) -> Mapping[str, Any]:
        """The arguments of its constructor, as JSON values."""
        return {}

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """The parameters and learning rates for Adam (docs/explanation/method.md section 1)."""
        return [{"params": list(self.parameters()), "lr": learning_rate}]
