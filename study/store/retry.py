"""Retries while storage does not answer: a server restarts, a network connection is lost."""

import errno
import logging
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

from tenacity import (
    Retrying,
    before_sleep_log,
    retry_if_exception,
    stop_before_delay,
    wait_exponential,
)

from sd4match.files.atomic import FULL

P = ParamSpec("P")
T = TypeVar("T")

AWAY = {
    errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.ECONNRESET, errno.ENODEV,
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.EREMOTEIO,
    errno.EAGAIN, errno.EBUSY,
}  # fmt: skip
"""Errors of a shared file system while its server or its network is gone."""

DEADLINE = 240.0
"""Seconds in which an attempt may begin, one to 60 apart: five minutes in all with the last one."""


def patient() -> Retrying:
    """Retry what failed because storage did not answer; other errors are raised at once.

    Example:
        >>> for attempt in patient():
        ...     with attempt:
        ...         write()
    """
    return Retrying(
        retry=retry_if_exception(is_away),
        wait=wait_exponential(max=60),
        stop=stop_before_delay(DEADLINE),
        before_sleep=before_sleep_log(logging.getLogger("study"), logging.WARNING),
        reraise=True,
    )


def patiently(function: Callable[P, T]) -> Callable[P, T]:
    """Let calls of a function retry as `patient` does.

    Args:
        function: any.

    Returns:
        The function with retries.
    """
    return patient().wraps(function)


def is_away(error: BaseException) -> bool:
    """Whether an error means that a file system does not answer for now; a full disk does not.

    Args:
        error: any, with what it was raised from.
    """
    numbers = {link.errno for link in causes(error) if isinstance(link, OSError)}
    return bool(numbers & AWAY) and not numbers.intersection(FULL)


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and those that it was raised from.

    Args:
        error: any.
    """
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
