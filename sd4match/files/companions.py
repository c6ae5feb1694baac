"""macOS's companion files ``._name``, which appear beside every file on disks of other systems."""

from collections.abc import Iterable, Iterator
from pathlib import Path


def is_companion(name: str) -> bool:
    """Whether a file of this name is a companion of another one, and no file of its own."""
    return name.startswith("._")


def without_companions(files: Iterable[Path]) -> Iterator[Path]:
    """The files that are no companions, in their order."""
    return (file for file in files if not is_companion(file.name))
