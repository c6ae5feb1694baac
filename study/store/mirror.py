"""Results behind a URL: the folder of this machine that stands for it, and what goes to and fro.

All code works on files. `local` names the folder that stands for a URL here, below ``mirrors`` in
the cache folder; a `Mirror` brings files there and sends those that were written. Any protocol that
fsspec knows will do (s3://, gs://, abfs://, …) where an upload appears as a whole, as object
stores' do. What is in the store never changes, so a copy is as good as the original; the folder may
be removed whenever no launch runs.
"""

import errno
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from sd4match.files.cache import cache_folder

AT_ONCE = 16
"""Files on their way at a time."""

Only = Callable[[str], bool]
"""Whether a file matters, by its name relative to the folder that is asked about."""


def every(name: str) -> bool:
    """All files matter."""
    return True


def local(place: str | Path) -> Path:
    """The folder of this machine that is a place, or stands for it; nothing is made or asked.

    Args:
        place: a folder, or a URL.

    Raises:
        SD4MatchError: a URL of a protocol that nothing here speaks; says what to install.
    """
    scheme, is_url, rest = str(place).partition("://")
    if not is_url or scheme == "file":
        return Path(rest or place).expanduser().resolve()
    parts = PurePosixPath(rest).parts
    if not parts or ".." in parts or scheme == "memory":
        raise SD4MatchError(f"{place}: no place for results: name a folder, or s3://bucket/results")
    if urlsplit(str(place)).password:
        raise SD4MatchError(
            f"results: {scheme}:// with a password, which would stand in the study's files: leave "
            "it where the protocol's package looks for it (its variables, ~/.config/fsspec)"
        )
    _file_system(str(place))
    return _mirrors().joinpath(scheme, *parts)


class Mirror:
    """A folder here, and the place that it stands for; a folder that is its own place needs none.

    Args:
        folder: as `local` gives it, or below it.

    Attributes:
        url: of the place; None where the folder is all there is, and nothing here does anything.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url: str | None = None
        if folder.is_relative_to(_mirrors()):
            scheme, *parts = folder.relative_to(_mirrors()).parts
            self.url = f"{scheme}://{'/'.join(parts)}"
            self._fs, self._root = _file_system(self.url)
        self._there: dict[Path, tuple[int, int]] = {}  # files that are the same at both ends

    def pull(
        self, folder: Path, only: Only = every, *, below: bool = True, exact: bool = False
    ) -> None:
        """Bring here what is there and not here, or of another size; hidden files stay there.

        Args:
            folder: this one or one below it.
            only: which of the files.
            below: those in folders below it too.
            exact: bring all, and remove here what is not there: for files that change.

        Raises:
            SD4MatchError: it cannot be reached; `study.store.retry` knows when waiting helps.
        """
        if self.url is None:
            return
        with self._told():
            there = self._list(folder, below)
            shown = ((name, size) for name, size in there if not _hidden(PurePosixPath(name)))
            sizes = {folder / name: size for name, size in shown if only(name)}
            if exact:
                for file in self._written(folder, only if below else _top(only)):
                    if file not in sizes:
                        file.unlink(missing_ok=True)
            wanted = [file for file, size in sizes.items() if exact or _size(file) != size]
            self._each(self._fetch, wanted)
            for file in sizes.keys() - set(wanted):
                with suppress(FileNotFoundError):  # removed since, as in `_send`
                    self._there[file] = _stamp(file)

    def push(self, folder: Path, only: Only = every) -> None:
        """Send what was written in a folder or below it; hidden files stay here.

        Args:
            folder, only: as for `pull`, which should come first: what it saw there is not sent.

        Raises:
            SD4MatchError: as for `pull`.
        """
        if self.url is not None:
            self.send(self._written(folder, only))

    def send(self, files: Iterable[Path]) -> None:
        """Send those of some files that changed since they were sent or brought; see `push`."""
        if self.url is not None:
            with self._told():
                self._each(self._send, files)

    def remove(self, file: Path) -> None:
        """Remove a file here and there; see `push`."""
        file.unlink(missing_ok=True)
        if self.url is not None:
            self._there.pop(file, None)
            with self._told(), suppress(FileNotFoundError):
                self._fs.rm_file(self._name(file))

    def again(self, file: Path) -> None:
        """Bring a file once more, as the one here is no good; see `pull`."""
        if self.url is not None:
            with self._told():
                self._fetch(file)

    def put(self, file: Path, content: bytes) -> None:
        """Write a small file there alone; see `push`."""
        if self.url is not None:
            with self._told():
                self._fs.pipe_file(self._name(file), content)

    def read(self, folder: Path) -> dict[str, bytes]:
        """The small files in a folder there, by name; see `pull`."""
        found = {}
        with self._told():
            for name, _ in self._list(folder, below=False):
                with suppress(FileNotFoundError):  # removed since
                    found[name] = bytes(self._fs.cat_file(self._name(folder / name)))
        return found

    def folders(self) -> list[str]:
        """Names of the folders there; see `pull`."""
        with self._told():
            found = self._ls(self._root)
        return sorted(_last(entry) for entry in found if entry["type"] == "directory")

    def _name(self, file: Path) -> str:
        name = file.relative_to(self.folder).as_posix()
        return self._root if name == "." else f"{self._root}/{name}"

    def _list(self, folder: Path, below: bool) -> Iterator[tuple[str, int]]:
        """Names, relative to the folder, and sizes of the files there."""
        start = self._name(folder)
        self._fs.invalidate_cache()
        found = self._fs.find(start, detail=True).values() if below else self._ls(start)
        for entry in found:
            name = str(entry["name"]).removeprefix(f"{start}/")
            # The names of objects are any text: none may lead out of the folder.
            if entry["type"] == "file" and name and not {"", ".."} & set(name.split("/")):
                yield name, int(entry["size"])

    def _ls(self, path: str) -> list[dict[str, Any]]:
        self._fs.invalidate_cache()
        try:
            return list(self._fs.ls(path, detail=True))
        except FileNotFoundError:  # object stores have no empty folders
            return []

    def _written(self, folder: Path, only: Only) -> list[Path]:
        names = [(file, file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()]
        shown = [(file, name) for file, name in names if not _hidden(name)]
        return [file for file, name in shown if only(name.as_posix())]

    def _fetch(self, file: Path) -> None:
        with suppress(FileNotFoundError):  # removed since it was listed
            with atomic_path(file) as temporary:
                self._fs.get_file(self._name(file), str(temporary))
            self._there[file] = _stamp(file)

    def _send(self, file: Path) -> None:
        try:
            stamp = _stamp(file)
            if self._there.get(file) != stamp:
                self._fs.put_file(str(file), self._name(file))
                self._there[file] = stamp
        except FileNotFoundError:  # another study's worker removed it: a checkpoint
            if file.exists():
                raise

    def _each(self, function: Callable[[Path], None], files: Iterable[Path]) -> None:
        with ThreadPoolExecutor(AT_ONCE if self._fs.async_impl else 1) as pool:
            for _ in pool.map(function, files):
                pass

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what went wrong in one line; each protocol's package has errors of its own."""
        try:
            yield
        except SD4MatchError:
            raise
        except Exception as error:
            said = " ".join(str(error).split()) or type(error).__name__
            refused = isinstance(error, (FileNotFoundError, PermissionError, NotImplementedError))
            if refused or "Credentials" in type(error).__name__:
                raise SD4MatchError(f"{self.url}: {said}") from error
            away = OSError(errno.EIO, said)  # as a shared folder would say it
            away.__cause__ = error
            raise SD4MatchError(f"{self.url}: cannot be reached: {said}") from away


def _file_system(url: str) -> tuple[Any, str]:
    import fsspec  # which folders do without
    from fsspec.registry import known_implementations

    scheme = url.partition("://")[0]
    try:
        system, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        package = str(known_implementations[scheme]["class"]).split(".")[0]
        install = "" if package == "fsspec" else f": pip install {package}"
        raise SD4MatchError(f"{url}: {error}{install}") from None
    except Exception as error:  # an unknown protocol, or what its package says to the URL
        raise SD4MatchError(f"{url}: {error}: name a folder, or for example s3://bucket") from None
    return system, root.rstrip("/")


def _mirrors() -> Path:
    return (cache_folder() / "mirrors").resolve()


def _top(only: Only) -> Only:
    return lambda name: "/" not in name and only(name)


def _hidden(name: PurePath) -> bool:
    return any(part.startswith(".") for part in name.parts)


def _last(entry: dict[str, Any]) -> str:
    return PurePosixPath(str(entry["name"])).name


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return -1


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size
