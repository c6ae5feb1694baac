"""Waiting for storage that is away for a while: a server that restarts, a network that flaps."""

import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tenacity import (
    Retrying,
    before_sleep_log,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
)

from study.engine.faults import fault

P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS = 10
"""One to 60 seconds apart, five minutes in all."""


def patient() -> Retrying:
    """Tries again what failed because storage was away; any other error is raised at once.

    Example:
        >>> for attempt in patient():
        ...     with attempt:
        ...         write()
    """
    return Retrying(
        retry=retry_if_exception(lambda error: fault(error) == "away"),
        wait=wait_exponential(max=60),
        stop=stop_after_attempt(ATTEMPTS),
        before_sleep=before_sleep_log(logging.getLogger("study"), logging.WARNING),
        reraise=True,
    )


def patiently(function: Callable[P, T]) -> Callable[P, T]:
    """Let calls of a function wait for storage, as `patient` does."""
    return patient().wraps(function)
