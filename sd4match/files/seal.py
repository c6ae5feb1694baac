"""Seals: checksums inside files, so that readers notice damage.

A writer puts `BLANK` into the file's header; `close` replaces it by the SHA-256 of the file with
the blank. No second file is needed, and a copy stays sealed.
"""

import hashlib
import re
from pathlib import Path

ENTRY = "seal"
"""Name of the header entry."""
_MARK = "sd4match-sha256:"
BLANK = _MARK + "0" * 64
_SEAL = re.compile(re.escape(_MARK).encode() + rb"[0-9a-f]{64}")


def close(file: Path) -> None:
    """Seal a file that was just written.

    Args:
        file: a file that holds `BLANK` once.
    """
    content = file.read_bytes()
    with file.open("r+b") as opened:
        opened.seek(content.index(BLANK.encode()))
        opened.write(_mark(content))


def intact(file: Path) -> bool:
    """Whether a file is unchanged since it was sealed; False without a seal, or with two.

    Raises:
        OSError: it cannot be read.
    """
    content = file.read_bytes()
    seals = _SEAL.findall(content)
    return len(seals) == 1 and _mark(content.replace(seals[0], BLANK.encode())) == seals[0]


def _mark(content: bytes) -> bytes:
    return (_MARK + hashlib.sha256(content).hexdigest()).encode()
