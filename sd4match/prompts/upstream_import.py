"""Import of prompts from files of the original SD4Match code ("upstream")."""

import os
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from sd4match.backbones.loading import Backbone
from sd4match.errors import SD4MatchError
from sd4match.prompts.base import Prompt
from sd4match.prompts.cpm import ConditionalPrompt
from sd4match.prompts.families import belongs_to
from sd4match.prompts.family_facts import SOURCES, parse
from sd4match.prompts.learned import (
    ClassHiddenPrompt,
    ClassPrompt,
    SingleHiddenPrompt,
    SinglePrompt,
)
from sd4match.prompts.upstream_files import (
    DATASET,
    HIDDEN,
    UpstreamFile,
    find_upstream,
    length_in_frame,
    read_tensors,
    tensor_names,
    token_setting,
)

_OF_CPM = {"global_embeds", "positional_embedding", "alpha_cond"}
_VERSIONS = {768: " (Stable Diffusion 1)", 1024: " (Stable Diffusion 2)"}
_CHANNELS = {"dino": {"feat": 768, "head": 768}, "clip": {"feat": 1280, "head": 1024}}
"""F, channels of upstream's image encoders (docs/explanation/method.md section 1)."""


def import_upstream(
    path: str | os.PathLike[str], backbone: Backbone, *, setting: str | None = None
) -> Prompt:
    """Read a prompt that upstream's code learned (docs/explanation/method.md section 6).

    A file does not say with which weights it was learned. Widths, and the frame around learned
    tokens, must match; nothing else can be checked, neither of ``backbone`` nor of its image
    encoders.

    Args:
        path: a ``caption.pt`` or ``ckpt.pt``, or the folder with one of them.
        backbone: the pipeline that it was learned with.
        setting: such as "Pair-DINO-Feat-G25-C50", if neither the folder's name nor the tensors show
            it.

    Returns:
        A single, class, single_hidden, class_hidden or cpm prompt on the backbone's device.

    Raises:
        SD4MatchError: not found; not a file of plain, finite tensors; one that does not match the
            setting or the backbone; a setting that must be given.

    Example:
        >>> folder = "CPM_spair_sd2-1_Pair-DINO-Feat-G25-C50"
        >>> prompts.import_upstream(folder, backbone)  # doctest: +SKIP
    """
    file = find_upstream(path, setting=setting)
    tensors = read_tensors(file.path)
    make = _conditional if _OF_CPM & tensors.keys() else _sequences
    return belongs_to(make(file, tensors, backbone), backbone).to(backbone.device)


def _sequences(file: UpstreamFile, tensors: Mapping[str, Tensor], backbone: Backbone) -> Prompt:
    shape = (1, backbone.max_tokens, backbone.hidden_size)
    for name, rows in tensors.items():
        _check_shape(rows, shape, f"{file.path}: {name}", backbone)
    categories = sorted(tensors)
    length = _agreed_length(file, tensors, backbone)
    learned = slice(None) if length is None else slice(1, length + 1)
    values = [tensors[category][0, learned] for category in categories]
    size, width = values[0].shape
    prompt: SinglePrompt | ClassPrompt
    if categories == [DATASET]:
        prompt = (SinglePrompt if length else SingleHiddenPrompt)(size, width)
    else:
        prompt = (ClassPrompt if length else ClassHiddenPrompt)(size, width, categories)
    for parameter, value in zip(prompt.parameters(), values, strict=True):
        parameter.data.copy_(value)
    return prompt


def _agreed_length(
    file: UpstreamFile, tensors: Mapping[str, Tensor], backbone: Backbone
) -> int | None:
    """N of every sequence, which must match the setting if given; None for hidden states."""
    lengths = {name: length_in_frame(rows[0], backbone) for name, rows in tensors.items()}
    setting = file.setting
    for name, length in lengths.items():
        if length is None and setting != HIDDEN:
            raise SD4MatchError(
                f"{file.path}: {name} does not have the BOS, EOS and padding embeddings of "
                f"{backbone.name}: name the backbone that it was learned with, or, for hidden "
                f"states, give the setting {HIDDEN}"
            )
        found = HIDDEN if length is None else token_setting(length)
        setting = setting or found
        if found != setting:
            raise SD4MatchError(
                f"{file.path}: {name} holds {found}, not {setting}: give the right setting"
            )
    return next(iter(lengths.values()))


def _conditional(file: UpstreamFile, tensors: Mapping[str, Tensor], backbone: Backbone) -> Prompt:
    setting = file.setting or _deduce(file.path, tensors)
    options = parse(setting)
    if options is None:
        raise SD4MatchError(
            f"{file.path}: holds a cpm prompt, not {setting}: give the right setting, such as "
            "Pair-DINO-Feat-G25-C50"
        )
    prompt = ConditionalPrompt.initial(backbone, seed=0, **options)
    ours, names = prompt.state_dict(), tensor_names(prompt)
    if set(tensors) != set(names.values()):
        raise SD4MatchError(
            f"{file.path}: holds {', '.join(sorted(tensors))}; {setting} has "
            f"{', '.join(sorted(names.values()))}: give the right setting, or fetch it again"
        )
    for name, theirs in names.items():
        value, shape = tensors[theirs], tuple(ours[name].shape)
        shape = shape if "." in name else (1, *shape)
        _check_shape(value, shape, f"{file.path}: {theirs}", backbone, f" with {setting}")
        ours[name] = value.view_as(ours[name])
    prompt.load_state_dict(ours)
    return prompt


def _deduce(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Find the setting of a ``ckpt.pt`` from its tensors, if only one matches."""
    lengths = [
        tensors[name].shape[1] if name in tensors and tensors[name].ndim == 3 else 0
        for name in ("global_embeds", "positional_embedding")
    ]
    mixes_patches = "linear_C.weight" in tensors
    linear = tensors.get("linear_C.weight" if mixes_patches else "linear.weight")
    sources = [
        name
        for name, (of_pair, reads) in SOURCES.items()
        if linear is not None
        and mixes_patches == (of_pair and reads.part == "feat")
        and linear.shape[-1] == _CHANNELS[reads.encoder][reads.part] * (1 + of_pair)
    ]
    if len(sources) != 1:
        raise SD4MatchError(
            f"{path}: neither its folder nor its tensors show its setting (they match "
            f"{' and '.join(sources) or 'none'}): give it, such as Pair-DINO-Feat-G25-C50"
        )
    return f"{sources[0]}-G{lengths[0]}-C{lengths[1]}"


def _check_shape(
    value: Tensor, shape: tuple[int, ...], what: str, backbone: Backbone, setting: str = ""
) -> None:
    if tuple(value.shape) != shape:
        found, wanted = (
            "×".join(map(str, sizes)) + _VERSIONS.get(sizes[-1], "")
            for sizes in (value.shape, shape)
        )
        raise SD4MatchError(
            f"{what} is {found}, for {backbone.name}{setting} it must be {wanted}: name the "
            f"backbone{', image encoder' if setting else ''} and setting it was learned with"
        )
