"""Loading one frozen model from a folder, with a check that every weight was read.

`quiet` silences the libraries' own progress bars and reports while models are loaded or saved.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers.utils import logging as of_diffusers
from transformers.utils import logging

from sd4match.backbones.folders import weight_files, weight_variant
from sd4match.backbones.tensor_hashes import CONSTANT, TEXT_HALF
from sd4match.errors import SD4MatchError


def load_model(
    kind: Any, folder: Path, *, device: torch.device, dtype: torch.dtype, config: Any = None
) -> Any:
    """Load a model of diffusers or transformers: frozen, in evaluation mode.

    Args:
        kind: the model's class.
        folder: the folder with its ``config.json`` and safetensors weights.
        device, dtype: device and floating-point type.
        config: its configuration, instead of the one in ``config.json``.

    Returns:
        The model.

    Raises:
        SD4MatchError: files are missing or damaged, or do not match the class and its
            configuration.
    """
    weight_files(folder)  # its error says what to do, the libraries' errors do not
    # The two libraries renamed this argument at different times.
    from_transformers = kind.__module__.startswith("transformers")
    named: dict[str, Any] = {"dtype" if from_transformers else "torch_dtype": dtype}
    if from_transformers:
        named["ignore_mismatched_sizes"] = True  # reported below, in our words
    if config is not None:
        named["config"] = config
    if variant := weight_variant(folder):
        named["variant"] = variant
    try:
        with quiet():
            model, info = kind.from_pretrained(
                folder,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                **named,
            )
    except Exception as error:  # damaged files raise errors of many kinds
        reason = " ".join(str(error).split())[:300]
        raise SD4MatchError(
            f"{folder}: not loadable as {kind.__name__} ({reason}): fetch it again"
        ) from error
    # The loaders fill missing weights with random numbers (docs/explanation/method.md section 7).
    # Unexpected weights that are no problem: constants, and the text model of a complete CLIP where
    # only the vision model is needed.
    foreign = TEXT_HALF if "Vision" in kind.__name__ else ()
    problems = {
        "missing": sorted(info["missing_keys"]),
        "unexpected": sorted(
            key
            for key in info["unexpected_keys"]
            if not key.endswith(CONSTANT) and not key.startswith(foreign)
        ),
        "misshapen": sorted(str(key) for key in info.get("mismatched_keys", ())),
    }
    for what, keys in problems.items():
        if keys:
            raise SD4MatchError(
                f"{folder}: {len(keys)} weights {what} for {kind.__name__} (such as {keys[0]}): "
                "the files do not match their config.json or these library versions: fetch them "
                "again, or save them again with the installed transformers and diffusers"
            )
    return model.requires_grad_(False).eval().to(device)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers and diffusers in this block."""
    enabled, libraries = logging.is_progress_bar_enabled(), (logging, of_diffusers)
    verbosities = [library.get_verbosity() for library in libraries]
    logging.disable_progress_bar()
    for library in libraries:
        library.set_verbosity_error()
    try:
        yield
    finally:
        for library, verbosity in zip(libraries, verbosities, strict=True):
            library.set_verbosity(verbosity)
        if enabled:
            logging.enable_progress_bar()
