"""Export of prompts to files of the original SD4Match code ("upstream")."""

import os
from pathlib import Path

import torch
from torch import Tensor

from sd4match.backbones.loading import Backbone
from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from sd4match.prompts.base import Prompt
from sd4match.prompts.cpm import ConditionalPrompt
from sd4match.prompts.learned import ClassPrompt, SinglePrompt
from sd4match.prompts.upstream_files import DATASET, HIDDEN, put_in_frame, setting_of, tensor_names


def export_upstream(prompt: Prompt, path: str | os.PathLike[str], backbone: Backbone) -> Path:
    """Write a prompt as upstream's code does. Equal prompts give equal bytes.

    docs/explanation/method.md section 6. ``import_upstream`` reads the same prompt back. Upstream
    finds the setting in the folder's name, which should therefore end with
    ``setting_of(prompt)``.

    Args:
        prompt: single, class, single_hidden, class_hidden or cpm.
        path: a file that ends with ``.pt``, or a folder for ``caption.pt`` or ``ckpt.pt``.
        backbone: the pipeline that it belongs to.

    Returns:
        The file that was written.

    Raises:
        SD4MatchError: a family that upstream does not have.
    """
    content: dict[str, Tensor]
    if isinstance(prompt, ConditionalPrompt):
        file, content = "ckpt.pt", _state(prompt)
    elif isinstance(prompt, (SinglePrompt, ClassPrompt)):
        file, content = "caption.pt", _sequences(prompt, backbone)
    else:
        raise SD4MatchError(
            f"upstream has no files for {prompt.family} prompts: export a learned one"
        )
    target = Path(path) if Path(path).suffix == ".pt" else Path(path) / file
    plain = {name: value.detach().cpu().float().clone() for name, value in content.items()}
    with atomic_path(target) as temporary, temporary.open("wb") as stream:
        torch.save(plain, stream)  # a stream: torch would write the file's name into it
    return target


def _state(prompt: ConditionalPrompt) -> dict[str, Tensor]:
    ours = prompt.state_dict()
    return {
        theirs: ours[name] if "." in name else ours[name][None]
        for name, theirs in tensor_names(prompt).items()
    }


def _sequences(prompt: SinglePrompt | ClassPrompt, backbone: Backbone) -> dict[str, Tensor]:
    names = prompt.categories if isinstance(prompt, ClassPrompt) else (DATASET,)
    learned = [value.detach() for value in prompt.parameters()]
    if setting_of(prompt) != HIDDEN:
        learned = [put_in_frame(tokens, backbone) for tokens in learned]
    return {name: rows[None] for name, rows in zip(names, learned, strict=True)}
