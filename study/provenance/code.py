"""Which code this is: the revision of its repository, and what differs from it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import study

PARTS = ("study", "sd4match", "search_spaces", "pyproject.toml", "constraints.txt")
"""What can change a number; the rest of a repository may hold anything of any size."""


@dataclass(frozen=True)
class Code:
    """The state of the code.

    Attributes:
        revision: of the commit that is checked out; None outside a repository.
        untracked: files beside the code that no revision knows.
        diff: what was changed since, as ``git diff`` prints it; empty where nothing was.
    """

    revision: str | None
    untracked: tuple[str, ...] = ()
    diff: str = ""


def code() -> Code:
    """The state of the code that runs; without a revision where it is not in a repository."""
    root = Path(study.__file__).resolve().parents[1]
    try:
        # An installed copy may lie in somebody's repository that does not know it.
        _git(root, "ls-files", "--error-unmatch", "study/__init__.py")
        revision = _git(root, "rev-parse", "HEAD").strip()
        there = [part for part in PARTS if (root / part).exists()]
        new = _git(root, "ls-files", "--others", "--exclude-standard", "--", *there)
        return Code(revision, tuple(new.splitlines()), _git(root, "diff", "HEAD", "--", *there))
    except (OSError, subprocess.SubprocessError):  # no git, no repository, or not ours to read
        return Code(None)


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    ended = subprocess.run(command, capture_output=True, check=True, timeout=30)
    return ended.stdout.decode(errors="replace")
