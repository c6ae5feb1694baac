"""The hardware of a machine and the state of the code, for the record of a study's origin."""

import os
import platform
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sd4match.backbones.devices import processor

PACKAGE = Path(__file__).resolve().parents[1]
PARTS = ("study", "sd4match", "search_spaces", "pyproject.toml", "constraints.txt")
"""What can change a result; other files of a repository may be large and are not recorded."""


def hardware() -> dict[str, Any]:
    """This machine: names and sizes, as JSON values; memory in 10⁹ bytes."""
    import torch

    return {
        "host": socket.gethostname(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": processor(),
        "cores": os.cpu_count(),
        "memory_gb": _gb(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        "gpus": gpus(),
        "cuda": torch.version.cuda if torch.cuda.is_available() else None,
    }


def gpus() -> list[dict[str, Any]]:
    """Name and memory of each GPU of this machine."""
    import torch  # not at the top: the record of the code does without

    found = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    return [{"name": gpu.name, "memory_gb": _gb(gpu.total_memory)} for gpu in found]


def _gb(size: int) -> float:
    return round(size / 1e9, 1)


@dataclass(frozen=True)
class Code:
    """The state of the code.

    Attributes:
        revision: of the commit that is checked out; None outside a repository.
        untracked: files beside the code that are in no revision.
        diff: what was changed since, as ``git diff`` prints it; empty where nothing was.
    """

    revision: str | None
    untracked: tuple[str, ...] = ()
    diff: str = ""


def code() -> Code:
    """The state of the code that runs; without a revision where it is not in a repository."""
    root = PACKAGE.parent
    try:
        # An installed copy may lie in somebody's repository that does not know it.
        _git(root, "ls-files", "--error-unmatch", "study/__init__.py")
        revision = _git(root, "rev-parse", "HEAD").strip()
        parts = [part for part in PARTS if (root / part).exists()]
        new = _git(root, "ls-files", "--others", "--exclude-standard", "--", *parts)
        return Code(revision, tuple(new.splitlines()), _git(root, "diff", "HEAD", "--", *parts))
    except (OSError, subprocess.SubprocessError):  # no git, no repository, or not ours to read
        return Code(None)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    ended = subprocess.run(command, capture_output=True, check=True, timeout=30)
    return ended.stdout.decode(errors="replace")
