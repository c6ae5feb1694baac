"""Downloading a data set's files into the cache: resumed when interrupted, checked by hashes."""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pooch
import requests
from urllib3.exceptions import HTTPError

from sd4match.datasets.sources import Remote
from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from sd4match.files.cache import cache_folder

Progress = Callable[[str, int, int | None], None]
"""Called with a file's name, its bytes so far, and its bytes in all (None: unknown)."""

TRIES = 5
PAUSE_S = 1.0  # after the first failure; doubled after each further one
_TIMEOUT_S = 30
_CHUNK = 1 << 16
_TEMPORARY = (429, 500, 502, 503, 504)  # statuses of a server that may answer later
_BROKEN = (requests.ConnectionError, requests.Timeout, HTTPError)

log = logging.getLogger(__name__)


def advice(path: Path) -> str:
    """Advice if a file cannot be fetched: the end of an error's line."""
    return f"give --mirror URL or put the file at {path}"


class Fetcher:
    """Downloads a data set's files into ``downloads/<name>`` in the cache folder.

    An existing file, for example one that the user put there, is not fetched. Most of these files
    have no published checksum. Therefore the hash of the first download is recorded beside the data
    set, and later downloads must match it.
    """

    def __init__(
        self, name: str, record: Path, *, mirror: str | None, progress: Progress | None
    ) -> None:
        """Prepare downloads for one data set.

        Args:
            name: the data set's name.
            record: the JSON file with the URL and SHA-256 of each file.
            mirror: URL of a folder that holds the files, instead of their own URLs.
            progress: see ``Progress``.

        Raises:
            SD4MatchError: the record is damaged.
        """
        self._folder = cache_folder().resolve() / "downloads" / name
        self._record = record
        self._mirror = mirror
        self._progress = progress
        self._files = _read_record(record)

    def fetch(self, remote: Remote, *, sha256: str | None = None) -> Path:
        """Fetch a file unless it exists, and check its hash.

        Args:
            remote: the file.
            sha256: the expected SHA-256, instead of the known one.

        Returns:
            The path of the file.

        Raises:
            SD4MatchError: it cannot be fetched or written, or it has another hash.
        """
        name, path = remote.name, self._folder / remote.name
        url = f"{self._mirror.rstrip('/')}/{name}" if self._mirror else remote.url
        published = sha256 or remote.sha256
        known = published or self._files.get(name, {}).get("sha256")
        pooch.get_logger().setLevel(logging.WARNING)
        try:
            if known and path.is_file() and pooch.file_hash(str(path)) != known.lower():
                log.warning("%s has another sha256 than %s, so it is fetched again", path, known)
            pooch.retrieve(
                url,
                known_hash=f"sha256:{known}" if known else None,
                fname=name,
                path=self._folder,
                downloader=self._download,
            )
            digest = pooch.file_hash(str(path))
        except SD4MatchError as error:
            raise SD4MatchError(f"{error}; {advice(path)}") from error
        except ValueError as error:  # pooch's for another hash; its first sentence names both
            last = "" if published else f" (the hash of the last download in {self._record})"
            trust = "" if remote.sha256 else ", or --sha256 HEX of a file you trust"
            raise SD4MatchError(
                f"{url}: {str(error).partition('. ')[0]}{last}; nothing was installed: "
                f"run it again, give --mirror URL{trust}"
            ) from error
        except OSError as error:
            raise SD4MatchError(
                f"{self._folder} cannot be written ({error.strerror or error}): make room, or set "
                "SD4MATCH_CACHE to another folder"
            ) from error
        if not known:
            log.warning(
                "%s could not be checked: no checksum of it is published. Its sha256, %s, is kept "
                "in %s for the next time",
                *(name, digest, self._record),
            )
        self._files[name] = {"url": url, "sha256": digest}
        return path

    def discard(self, remote: Remote) -> None:
        """Remove a file that cannot be used, and its hash."""
        (self._folder / remote.name).unlink(missing_ok=True)
        self._files.pop(remote.name, None)

    def write_record(self) -> None:
        """Write the hashes of all fetched files."""
        with atomic_path(self._record) as path:
            path.write_text(json.dumps(self._files, indent=2) + "\n")

    def _download(self, url: str, output_file: str, _: object) -> None:
        """The downloader for pooch, which checks ``output_file`` and moves it to its place."""
        name = url.rpartition("/")[2]
        part = self._folder / f"{name}.part"

        def show(done: int, total: int | None) -> None:
            if self._progress:
                self._progress(name, done, total)

        fetch(url, part, progress=show)
        part.replace(output_file)


def _read_record(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    try:
        files = json.loads(path.read_bytes())
        return {str(name): {**file, "sha256": str(file["sha256"])} for name, file in files.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SD4MatchError(f"{path}: expected hashes of downloads in JSON; delete it") from error


def fetch(url: str, part: Path, *, progress: Callable[[int, int | None], None]) -> None:
    """Download a file, continuing a partial download if there is one.

    If the server ignores HTTP ranges, the download starts again.

    Args:
        url: an http or https address.
        part: the partial file; after success, the complete one. It stays after an error or Ctrl-C,
            so that the next call can continue.
        progress: called with the bytes so far and in all (None: unknown).

    Raises:
        SD4MatchError: the server does not have the file, or the connection broke ``TRIES`` times.
        OSError: ``part`` cannot be written.
    """
    failures: list[Exception] = []
    while len(failures) < TRIES:
        if failures:
            pause = PAUSE_S * 2 ** (len(failures) - 1)
            log.info("%s: %s; trying again in %g s", url, failures[-1], pause)
            time.sleep(pause)
        try:
            return _resume(url, part, progress)
        except _BROKEN as error:
            failures.append(error)
        except requests.RequestException as error:
            raise SD4MatchError(f"{url}: cannot be fetched: {_first_line(error)}") from error
    raise SD4MatchError(
        f"{url}: the connection broke in {TRIES} tries ({_first_line(failures[-1])}); "
        "run the command again to resume"
    ) from failures[-1]


def _resume(url: str, part: Path, progress: Callable[[int, int | None], None]) -> None:
    have = part.stat().st_size if part.is_file() else 0
    # Without compression: a range counts the bytes of the file.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
        status = response.status_code
        resumed = status == requests.codes.partial_content
        content_range = response.headers.get("Content-Range", "")
        if status == 416 or (resumed and not content_range.startswith(f"bytes {have}-")):
            part.unlink(missing_ok=True)
            raise requests.ConnectionError(f"the server cannot resume at byte {have}")
        if status in _TEMPORARY:
            raise requests.ConnectionError(f"the server answers {status} {response.reason}")
        if status not in (requests.codes.ok, requests.codes.partial_content):
            raise SD4MatchError(f"{url}: the server answers {status} {response.reason}")
        if not resumed:
            have = 0
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() else None
        with part.open("ab" if resumed else "wb") as file:
            # Raw: requests would unpack a .tar.gz that a server calls gzip-encoded.
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                file.write(chunk)
                have += len(chunk)
                progress(have, total)
    if total is not None and have < total:
        raise requests.ConnectionError(f"the connection closed after {have} of {total} bytes")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
