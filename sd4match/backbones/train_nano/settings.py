"""All that a training of nano is asked for."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sd4match.errors import SD4MatchError, require_known


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long a stage trains.

    Attributes:
        steps: how many.
        batch: images a step, an even number.
        learning_rate: AdamW's, at its highest.
        checkpoint_every: steps between two checkpoints.
    """

    steps: int
    batch: int
    learning_rate: float
    checkpoint_every: int = 500


@dataclass(frozen=True, kw_only=True)
class Settings:
    """A training of nano, stage by stage.

    Attributes:
        seed: of drawings, initial weights, batches and noise.
        images: drawings to learn from.
        autoencoder, diffusion, refinement, image_encoder: the stages.
    """

    seed: int
    images: int
    autoencoder: Schedule
    diffusion: Schedule
    refinement: Schedule
    image_encoder: Schedule

    def write(self, path: Path) -> None:
        """Write them as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def read_settings(path: Path) -> Settings:
    """Read settings from JSON.

    Args:
        path: a file as ``Settings.write`` makes it.

    Returns:
        The settings.

    Raises:
        SD4MatchError: no such file, no JSON, or a name or value that is not one.
    """
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SD4MatchError(f"{path}: not readable as JSON ({error}): correct it") from error
    settings: Settings = _built(Settings, content, str(path))
    return settings


def _built(kind: type[Any], content: Any, where: str) -> Any:
    """A dataclass from a JSON object, each name known and each value of its type."""
    if not isinstance(content, dict):
        raise SD4MatchError(f"{where}: {content!r} is no JSON object: write one")
    known = {field.name: field for field in fields(kind)}
    for name in content:
        require_known(name, known, what=f"setting in {where}")
    values = {}
    for name, field in known.items():
        if name not in content:
            if name == "checkpoint_every":
                continue
            raise SD4MatchError(f"{where}: no setting {name!r}: add it")
        value = content[name]
        if field.type is Schedule:
            values[name] = _built(Schedule, value, f"{where}: {name}")
            continue
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        whole = number and (field.type is float or value == int(value))
        if not whole or value < 0 or (value == 0 and name != "seed"):
            raise SD4MatchError(f"{where}: {name} is {value!r}: it must be a positive number")
        if name == "batch" and value % 2:
            raise SD4MatchError(f"{where}: batch is {value}: it must be even, for pairs of images")
        values[name] = value
    return kind(**values)
