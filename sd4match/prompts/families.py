"""The prompt families by name."""

from typing import Any

from sd4match.backbones.loading import Backbone
from sd4match.errors import SD4MatchError, require_known
from sd4match.prompts.base import MadeFor, Prompt
from sd4match.prompts.cpm import ConditionalPrompt
from sd4match.prompts.known import parse
from sd4match.prompts.learned import (
    ClassHiddenPrompt,
    ClassPrompt,
    SingleHiddenPrompt,
    SinglePrompt,
)
from sd4match.prompts.text import EmptyPrompt, TextPrompt

FAMILIES: dict[str, type[Prompt]] = {
    family.family: family
    for family in (
        EmptyPrompt,
        TextPrompt,
        SinglePrompt,
        ClassPrompt,
        ConditionalPrompt,
        SingleHiddenPrompt,
        ClassHiddenPrompt,
    )
}


def create(family: str, backbone: Backbone, *, seed: int = 0, **options: Any) -> Prompt:
    """Make a prompt as it is before any learning.

    Args:
        family: a name in ``FAMILIES``, or the paper's name of a ``cpm`` prompt, such as
            ``Pair-DINO-Feat-G25-C50``.
        backbone: the pipeline it is for.
        seed: start values of learned prompts.
        options: the family's own settings, as its class lists them; None means the default.

    Returns:
        The prompt, with its parameters on the backbone's device.

    Raises:
        SD4MatchError: for an unknown family, a setting it does not have, or a bad value.

    Example:
        >>> prompts.create("single", backbone, length=25, seed=1)
    """
    if paper := parse(family):
        family, options = ConditionalPrompt.family, {**paper, **options}
    kind = find(family)
    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        require_known(name, kind.options, what=f"setting of {family} prompts")
    prompt = kind.initial(backbone, seed=seed, **given)
    return belongs_to(prompt, backbone).to(backbone.device)


def belongs_to(prompt: Prompt, backbone: Backbone) -> Prompt:
    """Note in a prompt which models it is for, which its file will tell.

    Args:
        prompt: of any family.
        backbone: the pipeline it was made, or is to be used, with.

    Returns:
        The same prompt.
    """
    prompt.made_for = MadeFor(backbone.name, backbone.fingerprint)
    if prompt.reads:
        encoder = backbone.image_encoder(prompt.reads.encoder)
        prompt.encoder_made_for = MadeFor(encoder.name, encoder.fingerprint)
    return prompt


def find(family: str) -> type[Prompt]:
    """The class of a family: its facts (``learned``, ``depends_on``, ``options``).

    Args:
        family: a name in ``FAMILIES``.

    Returns:
        The class.

    Raises:
        SD4MatchError: for an unknown name, with the nearest known one.
    """
    require_known(family, FAMILIES, what="prompt family")
    return FAMILIES[family]


def require_made_for(prompt: Prompt, backbone: Backbone, *, what: str = "") -> None:
    """Refuse a prompt with a backbone, or an image encoder, that it was not made for.

    Args:
        prompt: of any family; one that was built by hand goes with everything.
        backbone: the pipeline it is to be used with.
        what: the prompt's name in messages; its family if none.

    Raises:
        SD4MatchError: it was made for another one.
    """
    models = [("backbone", prompt.made_for, backbone.name, backbone.fingerprint)]
    if prompt.reads and prompt.encoder_made_for:
        encoder = backbone.image_encoder(prompt.reads.encoder)
        models += [("image encoder", prompt.encoder_made_for, encoder.name, encoder.fingerprint)]
    for kind, made_for, name, fingerprint in models:
        if made_for and made_for.fingerprint != fingerprint:
            raise SD4MatchError(
                f"prompt {what or prompt.family} was made for {kind} {made_for.name} "
                f"({made_for.fingerprint[:12]}), not {name} ({fingerprint[:12]}): "
                f"load that {kind}, or tune a prompt for this one"
            )
