"""The registry of prompt families, and making a prompt by name."""

from typing import Any

from sd4match.backbones.former_fingerprints import (
    is_former_fingerprint,
    is_former_image_encoder_fingerprint,
)
from sd4match.backbones.loading import Backbone
from sd4match.errors import SD4MatchError, require_known
from sd4match.prompts.base import MadeFor, Prompt
from sd4match.prompts.cpm import ConditionalPrompt
from sd4match.prompts.family_facts import parse
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
    """Make a prompt before any learning.

    Args:
        family: a name in ``FAMILIES``, or the paper's name of a ``cpm`` prompt, such as
            ``Pair-DINO-Feat-G25-C50``.
        backbone: the pipeline it is for.
        seed: seed of the initial values of learned prompts.
        options: the settings of the family, as its class lists them; None for the default.

    Returns:
        The prompt, with its parameters on the backbone's device.

    Raises:
        SD4MatchError: an unknown family, a setting it does not have, or an invalid value.

    Example:
        >>> prompts.create("single", backbone, length=25, seed=1)  # doctest: +SKIP
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
    """Record in a prompt the models that it is for; its file will hold them.

    Args:
        prompt: a prompt of any family.
        backbone: the pipeline it was made with or is used with.

    Returns:
        The same prompt.
    """
    prompt.made_for = MadeFor(backbone.name, backbone.fingerprint)
    if prompt.reads:
        encoder = backbone.image_encoder_facts(prompt.reads.encoder)
        prompt.encoder_made_for = MadeFor(encoder.name, encoder.fingerprint)
    return prompt


def find(family: str) -> type[Prompt]:
    """Return the class of a family, with ``learned``, ``depends_on`` and ``options``.

    Args:
        family: a name in ``FAMILIES``.

    Returns:
        The class.

    Raises:
        SD4MatchError: an unknown name, with the most similar known one.
    """
    require_known(family, FAMILIES, what="prompt family")
    return FAMILIES[family]


def require_made_for(
    prompt: Prompt, backbone: Backbone, *, what: str = "", image_encoder: bool = True
) -> None:
    """Refuse a prompt that was made for another backbone or image encoder.

    Args:
        prompt: a prompt of any family; one without ``made_for`` is accepted.
        backbone: the pipeline to use it with.
        what: the prompt's name in messages; default: its family.
        image_encoder: whether its image encoder must match too, and so be here.

    Raises:
        SD4MatchError: it was made for another model.
    """
    models = [
        ("backbone", prompt.made_for, backbone.name, backbone.fingerprint, is_former_fingerprint)
    ]
    if image_encoder and prompt.reads and prompt.encoder_made_for:
        encoder = backbone.image_encoder_facts(prompt.reads.encoder)
        models += [
            (
                "image encoder",
                prompt.encoder_made_for,
                encoder.name,
                encoder.fingerprint,
                is_former_image_encoder_fingerprint,
            )
        ]
    for kind, made_for, name, fingerprint, is_former in models:
        if (
            made_for
            and made_for.fingerprint != fingerprint
            and not is_former(made_for.fingerprint, name)
        ):
            raise SD4MatchError(
                f"prompt {what or prompt.family} was made for {kind} {made_for.name} "
                f"({made_for.fingerprint[:12]}), not {name} ({fingerprint[:12]}): "
                f"load that {kind}, or tune a prompt for this one"
            )
