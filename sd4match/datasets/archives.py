"""Safe unpacking of zip and tar archives from the web."""

import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from sd4match.errors import SD4MatchError

MAX_BYTES = 4 << 30
MAX_FILES = 500_000
_CHUNK = 1 << 20
_DAMAGED = (
    EOFError,
    RuntimeError,  # an encrypted member, or a compression that zipfile does not know
    gzip.BadGzipFile,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)

_Member = tuple[str, IO[bytes] | None]  # a name, and what a file holds; None for a folder


def extract(archive: Path, folder: Path) -> None:
    """Unpack a zip or tar archive into a new folder.

    macOS' own files (``__MACOSX``, ``.DS_Store``, ``._*``) are left out.

    Args:
        archive: the file; its type is read from its bytes, not from its name.
        folder: the folder to create. After an error it holds what was unpacked so far.

    Raises:
        SD4MatchError: no archive, a damaged one, or an unsafe one: a member is absolute, leaves the
            folder, or is a link or a device; more than ``MAX_BYTES`` or ``MAX_FILES``.
        OSError: the folder cannot be written.
    """
    if zipfile.is_zipfile(archive):
        members = _zip_members(archive)
    elif tarfile.is_tarfile(archive):
        members = _tar_members(archive)
    else:
        raise SD4MatchError(
            f"{archive}: expected a zip or tar archive, found something else or an incomplete one"
        )
    folder.mkdir()
    written = 0
    try:
        for count, (name, stream) in enumerate(members, 1):
            if count > MAX_FILES:
                raise SD4MatchError(f"{archive}: refused: it has more than {MAX_FILES:,} files")
            path = folder / _inside(archive, name)
            if stream is None:
                path.mkdir(parents=True, exist_ok=True)
            elif not _of_macos(PurePosixPath(name)):
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    while chunk := stream.read(_CHUNK):
                        written += len(chunk)
                        if written > MAX_BYTES:
                            raise SD4MatchError(
                                f"{archive}: refused: it unpacks to more than {MAX_BYTES:,} B"
                            )
                        file.write(chunk)
    except _DAMAGED as error:
        raise SD4MatchError(f"{archive}: the archive is damaged: {error}") from error


def _zip_members(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)  # 0 when made outside Unix
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _untrusted(archive, info.filename, "is a link or a device")
            if info.is_dir():
                yield info.filename, None
            else:
                with file.open(info) as stream:
                    yield info.filename, stream


def _tar_members(archive: Path) -> Iterator[_Member]:
    with tarfile.open(archive) as file:
        for info in file:
            if not (info.isreg() or info.isdir()):
                raise _untrusted(archive, info.name, "is a link or a device")
            yield info.name, file.extractfile(info)
        # Read to the end, where gzip has its checksum.
        while file.fileobj and file.fileobj.read(_CHUNK):
            pass


def _inside(archive: Path, name: str) -> PurePosixPath:
    """The member's path, after checking that it stays inside the folder."""
    path = PurePosixPath(name)
    # A backslash separates folders on Windows; a colon there names a drive, but in SPair-71k's
    # file names it stands before the category.
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise _untrusted(archive, name, "would leave its folder")
    return path


def _of_macos(path: PurePosixPath) -> bool:
    return "__MACOSX" in path.parts or path.name == ".DS_Store" or path.name.startswith("._")


def _untrusted(archive: Path, name: str, why: str) -> SD4MatchError:
    return SD4MatchError(f"{archive}: refused: its member {name!r} {why}")
