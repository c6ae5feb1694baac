"""HTTP downloads that go on where they broke off."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import requests
from urllib3.exceptions import HTTPError

from sd4match.errors import SD4MatchError

TRIES = 5
PAUSE_S = 1.0  # after the first failure; doubled after each further one
_TIMEOUT_S = 30
_CHUNK = 1 << 16
_PASSING = (429, 500, 502, 503, 504)  # what a server says when it may be better soon
_log = logging.getLogger(__name__)

_BROKEN = (requests.ConnectionError, requests.Timeout, HTTPError)


def fetch(url: str, part: Path, *, progress: Callable[[int, int | None], None]) -> None:
    """Download a file, after what an earlier download has left of it.

    A server that ignores HTTP ranges sends the file from its start.

    Args:
        url: an http or https address.
        part: what is there so far, if anything; after success, the whole file. It stays after an
            error or Ctrl-C, for the next download to go on with.
        progress: called with the bytes that are there and in all (None: not known).

    Raises:
        SD4MatchError: the file is not there, or the connection broke ``TRIES`` times.
        OSError: ``part`` cannot be written.
    """
    failures: list[Exception] = []
    while len(failures) < TRIES:
        if failures:
            pause = PAUSE_S * 2 ** (len(failures) - 1)
            _log.info("%s: %s; trying again in %g s", url, failures[-1], pause)
            time.sleep(pause)
        try:
            return _go_on(url, part, progress)
        except _BROKEN as error:
            failures.append(error)
        except requests.RequestException as error:
            raise SD4MatchError(f"{url}: cannot be fetched: {_first_line(error)}") from error
    raise SD4MatchError(
        f"{url}: no connection lasted in {TRIES} tries ({_first_line(failures[-1])}); "
        "run it again to go on where it stopped"
    ) from failures[-1]


def _go_on(url: str, part: Path, progress: Callable[[int, int | None], None]) -> None:
    have = part.stat().st_size if part.is_file() else 0
    # Not compressed for the way: a range counts the bytes of the file.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
        status = response.status_code
        resumed = status == requests.codes.partial_content
        said = response.headers.get("Content-Range", "")
        if status == 416 or (resumed and not said.startswith(f"bytes {have}-")):
            part.unlink(missing_ok=True)
            raise requests.ConnectionError(f"the server cannot go on at byte {have}")
        if status in _PASSING:
            raise requests.ConnectionError(f"the server answers {status} {response.reason}")
        if status not in (requests.codes.ok, requests.codes.partial_content):
            raise SD4MatchError(f"{url}: the server answers {status} {response.reason}")
        if not resumed:
            have = 0
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() else None
        with part.open("ab" if resumed else "wb") as file:
            # Raw, for requests would unpack a .tar.gz that a server calls gzip-encoded.
            for chunk in response.raw.stream(_CHUNK, decode_content=False):
                file.write(chunk)
                have += len(chunk)
                progress(have, total)
    if total is not None and have < total:
        raise requests.ConnectionError(f"the connection closed after {have} of {total} bytes")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
