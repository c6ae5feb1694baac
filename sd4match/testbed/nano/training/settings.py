"""Settings of a training of nano, as a JSON file."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sd4match.errors import SD4MatchError, require_known
from sd4match.testbed.shapes.category import CATEGORIES

_LEAST = {"seed": 0, "images": 2 * len(CATEGORIES)}  # pairs need two images of each category
_MOST = 2**63 - 1  # the largest seed of torch


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The length of a stage.

    Attributes:
        steps: number of steps.
        batch: images per step, an even number.
        learning_rate: largest learning rate of AdamW.
        checkpoint_every: steps between two checkpoints.
    """

    steps: int
    batch: int
    learning_rate: float
    checkpoint_every: int


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A training of nano, stage by stage.

    Attributes:
        seed: seed of drawings, initial weights, batches and noise.
        images: number of drawings to learn from.
        autoencoder, diffusion, refinement, generation, image_encoder: the stages.
    """

    seed: int
    images: int
    autoencoder: Schedule
    diffusion: Schedule
    refinement: Schedule
    generation: Schedule
    image_encoder: Schedule

    def write(self, path: Path) -> None:
        """Write the settings as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def read_settings(path: Path) -> Settings:
    """Read settings from JSON.

    Args:
        path: a file that ``Settings.write`` wrote.

    Returns:
        The settings.

    Raises:
        SD4MatchError: no such file, not JSON, or an invalid name or value.
    """
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SD4MatchError(f"{path}: not readable as JSON ({error}): correct it") from error
    settings: Settings = _built(Settings, content, str(path))
    return settings


def _built(kind: type[Any], content: Any, where: str) -> Any:
    """A dataclass from a JSON object, each name known and each value checked."""
    if not isinstance(content, dict):
        raise SD4MatchError(f"{where}: {content!r} is not a JSON object: write one")
    known = {field.name: field.type for field in fields(kind)}
    for name in content:
        require_known(name, known, what=f"setting in {where}")
    for name in known:
        if name not in content:
            raise SD4MatchError(f"{where}: no setting {name!r}: add it")
    return kind(
        **{
            name: _built(Schedule, content[name], f"{where}: {name}")
            if wanted is Schedule
            else _number(name, content[name], where)
            for name, wanted in known.items()
        }
    )


def _number(name: str, value: Any, where: str) -> int | float:
    if name == "learning_rate":
        wanted = "a number above 0, at most 1"
        right = type(value) in (int, float) and 0 < value <= 1
    else:
        least = _LEAST.get(name, 1)
        wanted = f"a whole number, at least {least}"
        right = type(value) is int and least <= value <= _MOST  # excludes True
        if name == "batch":
            wanted, right = "an even whole number, for pairs of images", right and value % 2 == 0
    if not right:
        raise SD4MatchError(f"{where}: {name} is {value!r}: it must be {wanted}")
    number: int | float = value
    return number
