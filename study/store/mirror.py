"""Results behind a URL: a local folder that mirrors it, and the transfer of files both ways.

All code works on files. `local` names the folder that mirrors a URL, below ``mirrors`` in the cache
folder. A `Mirror` downloads files to it and uploads new ones. Any protocol that fsspec knows works
(s3://, gs://, abfs://, …) if uploads appear as a whole, as they do in object stores. Files of the
store never change, so a copy is as good as the original. The folder may be removed whenever no
launch runs.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from sd4match.files.cache import cache_folder, cache_folder_or_none
from sd4match.files.masking import masked
from study.store.waiting import Bounded, each, refusal, time_outs, trust

MIRRORS = "mirrors"
"""Folder of all mirrors, in the cache folder."""

AT_ONCE = 16
"""Files that are transferred at a time."""

Only = Callable[[str], bool]
"""Whether to transfer a file, by its name relative to the folder."""


def every(name: str) -> bool:
    """Transfer all files."""
    return True


def local(place: str | Path) -> Path:
    """The local folder of a place; nothing is made or downloaded.

    Args:
        place: a folder, or a URL.

    Raises:
        SD4MatchError: a URL of an unknown protocol; says what to install.
    """
    scheme, is_url, rest = str(place).partition("://")
    if not is_url or scheme == "file":
        return Path(rest or place).expanduser().resolve()
    parts = PurePosixPath(rest).parts
    if not parts or ".." in parts or scheme == "memory":
        raise SD4MatchError(f"{place}: no place for results: name a folder, or s3://bucket/results")
    if masked(str(place)) != str(place):
        raise SD4MatchError(
            f"results: {masked(str(place))}: a password or token in it would be in the names of "
            "folders: put it where the protocol's package finds it (its variables, "
            "~/.config/fsspec)"
        )
    _file_system(str(place))
    return (cache_folder() / MIRRORS).resolve().joinpath(scheme, *parts)


class Mirror:
    """A local folder and the URL that it mirrors; without a URL the methods do nothing.

    Args:
        folder: as `local` gives it, or below it.

    Attributes:
        folder: the local folder.
        url: what it mirrors; None for a folder that mirrors nothing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url: str | None = None
        home = cache_folder_or_none()
        if home and folder.is_relative_to(mirrors := (home / MIRRORS).resolve()):
            scheme, *parts = folder.relative_to(mirrors).parts
            self.url = f"{scheme}://{'/'.join(parts)}"
            self._fs, self._root = _file_system(self.url)
        self._same: dict[Path, tuple[int, int]] = {}  # files that are equal on both sides

    def pull(
        self, folder: Path, only: Only = every, *, below: bool = True, exact: bool = False
    ) -> None:
        """Download files that are missing here or have another size, hidden ones excepted.

        Args:
            folder: this one or one below it.
            only: which of the files.
            below: files in folders below it too.
            exact: download all, and remove local files that the URL lacks: for files that change.

        Raises:
            SD4MatchError: the URL cannot be reached; `study.store.retry` knows when waiting helps.
        """
        if self.url is None:
            return
        with self._errors():
            listed = self._list(folder, below)
            shown = ((name, size) for name, size in listed if not _hidden(PurePosixPath(name)))
            sizes = {folder / name: size for name, size in shown if only(name)}
            if exact:
                for file in self._written(folder, only if below else _top(only)):
                    if file not in sizes:
                        file.unlink(missing_ok=True)
            wanted = [file for file, size in sizes.items() if exact or _size(file) != size]
            self._each(self._fetch, wanted)
            for file in sizes.keys() - set(wanted):
                with suppress(FileNotFoundError):  # removed since, as in `_send`
                    self._same[file] = _stamp(file)

    def push(self, folder: Path, only: Only = every) -> None:
        """Upload new files in a folder or below it, hidden ones excepted.

        Args:
            folder, only: as for `pull`, which should come first: files it saw are not uploaded.

        Raises:
            SD4MatchError: as for `pull`.
        """
        if self.url is not None:
            self.send(self._written(folder, only))

    def send(self, files: Iterable[Path]) -> None:
        """Upload those of some files that changed since their last transfer.

        Args:
            files: below the folder.

        Raises:
            SD4MatchError: as for `pull`.
        """
        if self.url is not None:
            with self._errors():
                self._each(self._send, files)

    def remove(self, file: Path) -> None:
        """Remove a file, here and behind the URL.

        Args:
            file: below the folder.

        Raises:
            SD4MatchError: as for `pull`.
        """
        file.unlink(missing_ok=True)
        if self.url is not None:
            self._same.pop(file, None)
            with self._errors(), suppress(FileNotFoundError):
                self._fs.rm_file(self._name(file))

    def again(self, file: Path) -> None:
        """Download a file again, because the local copy is damaged.

        Args:
            file: below the folder.

        Raises:
            SD4MatchError: as for `pull`.
        """
        if self.url is not None:
            with self._errors():
                self._fetch(file)

    def put(self, file: Path, content: bytes) -> None:
        """Write a small file behind the URL only.

        Args:
            file: its name, below the folder.
            content: its bytes.

        Raises:
            SD4MatchError: as for `pull`.
        """
        if self.url is not None:
            with self._errors():
                self._fs.pipe_file(self._name(file), content)

    def read(self, folder: Path) -> dict[str, bytes]:
        """Read the small files in a folder behind the URL.

        Args:
            folder: this one or one below it.

        Returns:
            Name -> bytes.

        Raises:
            SD4MatchError: as for `pull`.
        """
        found = {}
        with self._errors():
            for name, _ in self._list(folder, below=False):
                with suppress(FileNotFoundError):  # removed since
                    found[name] = bytes(self._fs.cat_file(self._name(folder / name)))
        return found

    def sizes(self) -> dict[str, int]:
        """All files behind the URL, hidden ones included: name relative to the folder -> bytes.

        Raises:
            SD4MatchError: as for `pull`.
        """
        with self._errors():
            return dict(self._list(self.folder, below=True))

    def folders(self) -> list[str]:
        """Names of the folders behind the URL.

        Raises:
            SD4MatchError: as for `pull`.
        """
        with self._errors():
            found = self._ls(self._root)
        return sorted(_last(entry) for entry in found if entry["type"] == "directory")

    def _name(self, file: Path) -> str:
        name = file.relative_to(self.folder).as_posix()
        return self._root if name == "." else f"{self._root}/{name}"

    def _list(self, folder: Path, below: bool) -> Iterator[tuple[str, int]]:
        """Names, relative to the folder, and sizes of the files behind the URL."""
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
            self._same[file] = _stamp(file)

    def _send(self, file: Path) -> None:
        try:
            stamp = _stamp(file)
            if self._same.get(file) != stamp:
                self._fs.put_file(str(file), self._name(file))
                self._same[file] = stamp
        except FileNotFoundError:  # another study's worker removed it: a checkpoint
            if file.exists():
                raise

    def _each(self, function: Callable[[Path], None], files: Iterable[Path]) -> None:
        each(function, files, at_once=AT_ONCE if self._fs.async_impl else 1)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn errors into one line; each protocol's package has its own classes of errors."""
        try:
            yield
        except SD4MatchError:
            raise
        except Exception as error:
            message = " ".join(str(error).split()) or type(error).__name__
            number, what = refusal(error, str(self.url))
            if number is None:
                raise SD4MatchError(f"{self.url}: {message}") from error
            as_in_a_folder = OSError(number, message)  # so that all places know what it means
            as_in_a_folder.__cause__ = error
            raise SD4MatchError(f"{self.url}: {what}: {message}") from as_in_a_folder
        trust(str(self.url))


def _file_system(url: str) -> tuple[Any, str]:
    import fsspec  # not needed for folders
    from fsspec.registry import known_implementations

    scheme = url.partition("://")[0]
    try:
        system, root = fsspec.core.url_to_fs(url, **time_outs(scheme))
    except ImportError as error:
        package = str(known_implementations[scheme]["class"]).split(".")[0]
        install = "" if package == "fsspec" else f": pip install {package}"
        raise SD4MatchError(f"{url}: {error}{install}") from None
    except Exception as error:  # an unknown protocol, or an error of its package
        raise SD4MatchError(f"{url}: {error}: name a folder, or for example s3://bucket") from None
    return Bounded(system), root.rstrip("/")


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
