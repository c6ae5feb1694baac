"""Bounded waits for storage: no call waits for ever, and Ctrl-C ends a wait at once.

Packages of protocols have time-outs of their own, of many minutes with their retries, or none. So
each call runs in a thread that is given up when it is late. What such a thread still writes is a
whole file of the same content.
"""

import errno
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from sd4match.files.atomic import FULL
from study.store.retry import causes

T = TypeVar("T")

ANSWER = 60.0
"""Seconds in which storage answers a request."""
DOWNLOAD = 120.0
"""Seconds in which a file is downloaded."""
SLOWEST = 250e3
"""Bytes a second at which an upload still counts as one."""
S3 = {"connect_timeout": 10, "read_timeout": 30, "retries": {"mode": "standard", "max_attempts": 2}}
"""Time-outs of botocore, so that what is given up ends soon, too."""
NO_ROOM = {"507", "InsufficientStorage", "QuotaExceeded", "XMinioStorageFull"}
"""Codes of servers whose disk, or whose quota, is full."""

_trusted: set[str] = set()


def within(seconds: float, call: Callable[[], T]) -> T:
    """Call a function, and wait for it so long.

    Args:
        seconds: to wait.
        call: without arguments.

    Raises:
        TimeoutError: it has not returned by then; or what it raises.
    """
    ended: list[tuple[T | None, BaseException | None]] = []
    over = threading.Event()

    def run() -> None:
        try:
            ended.append((call(), None))
        except BaseException as error:  # handed to the thread that waits
            ended.append((None, error))
        over.set()

    threading.Thread(target=run, name="storage", daemon=True).start()
    if not over.wait(seconds):
        raise TimeoutError(errno.ETIMEDOUT, f"no answer within {seconds:.0f} s")
    value, error = ended[0]
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # None is a value, too


class Bounded:
    """A file system of fsspec whose methods do not wait for ever.

    Args:
        system: of fsspec.
    """

    def __init__(self, system: Any) -> None:
        self._system = system

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._system, name)
        if not callable(method):
            return method

        def bounded(*args: Any, **options: Any) -> Any:
            seconds = {"get_file": DOWNLOAD}.get(name, ANSWER)
            if name == "put_file":
                seconds += Path(args[0]).stat().st_size / SLOWEST
            return within(seconds, lambda: method(*args, **options))

        return bounded


def each(function: Callable[[Any], object], items: Iterable[Any], *, at_once: int) -> None:
    """Call a function with each of some items, several at a time.

    The threads do not outlive the process: a transfer that hangs holds up no end.

    Args:
        function: takes an item.
        items: of any kind.
        at_once: how many.

    Raises:
        Exception: the first one that a call raised; what has not begun by then is left out.
    """
    waiting, lock, errors = iter(items), threading.Lock(), list[BaseException]()

    def work() -> None:
        while True:
            with lock:
                item = next(waiting, over) if not errors else over
            if item is over:
                return
            try:
                function(item)
            except BaseException as error:  # handed to the thread that waits
                errors.append(error)

    over = object()
    threads = [threading.Thread(target=work, name="transfer", daemon=True) for _ in range(at_once)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive() and not errors:
                thread.join(0.1)
    except BaseException as error:
        errors.append(error)  # the others begin nothing more
        raise
    if errors:
        raise errors[0]


def time_outs(scheme: str) -> dict[str, Any]:
    """Options of a protocol's file system that bound its own waits.

    Args:
        scheme: of a URL.
    """
    if scheme not in ("s3", "s3a"):
        return {}
    from fsspec.config import conf

    theirs = conf.get(scheme, {}).get("config_kwargs", {})
    return {"config_kwargs": {**S3, **theirs}}


def trust(url: str) -> None:
    """Take note that a place has let this process in, or the launch that it works for.

    Args:
        url: of the place, or of one in the same bucket.
    """
    _trusted.add(_bucket(url))


def refusal(error: Exception, url: str) -> tuple[int | None, str]:
    """What an error of storage means: the number that a shared folder would give it, and words.

    A refused access to a place that let us in before is as a server that is away: tokens are
    renewed and rights come back.

    Args:
        error: of a protocol's package.
        url: of the place.

    Returns:
        None for what waiting does not help.
    """
    codes = {text for link in causes(error) for text in _codes(link)}
    numbers = {link.errno for link in causes(error) if isinstance(link, OSError)}
    if codes & NO_ROOM or numbers.intersection(FULL):
        return errno.ENOSPC, "is full"
    if isinstance(error, PermissionError) and _bucket(url) in _trusted:
        return errno.EIO, "refuses access for now"
    refused = isinstance(error, (FileNotFoundError, PermissionError, NotImplementedError))
    if refused or "Credentials" in type(error).__name__:
        return None, ""
    return errno.EIO, "cannot be reached"


def _codes(error: BaseException) -> set[str]:
    """The codes in an error of botocore, or of an HTTP client."""
    response = getattr(error, "response", None)
    found = {str(getattr(error, name, "")) for name in ("status", "status_code", "code")}
    if isinstance(response, dict):
        found.add(str(response.get("Error", {}).get("Code")))
        found.add(str(response.get("ResponseMetadata", {}).get("HTTPStatusCode")))
    return found


def _bucket(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
