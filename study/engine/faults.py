"""Fault types of a work item, and the retry limit of each."""

from typing import Literal

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import FULL
from study.store.retry import causes, is_away

Fault = Literal["mistake", "full", "away", "memory", "bug", "worker", "node"]

TRIES: dict[Fault, int] = {
    "mistake": 1,  # data, weights or settings: the same input would fail again
    "full": 1,  # no room on the disk: the study stops
    "away": 2,  # storage, after `study.store.retry` has waited for it
    "memory": 2,  # of the device, after batches became as small as they can
    "bug": 2,  # anything unforeseen; the second try is on a fresh worker
    "worker": 3,  # its process was killed
    "node": 30,  # lost or preempted, which is not the item's fault
}
"""How often an item is tried before it counts as failed."""


def fault(error: BaseException) -> Fault:
    """Classify an exception in a worker."""
    chain = list(causes(error))
    numbers = {link.errno for link in chain if isinstance(link, OSError)}
    if numbers.intersection(FULL):
        return "full"
    if is_away(error):
        return "away"
    if any(map(out_of_memory, chain)):
        return "memory"
    return "mistake" if isinstance(error, SD4MatchError) else "bug"


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device or this process had too little memory."""
    # By name, so that torch need not be imported; on the CPU only the message says it.
    named = type(error).__name__ == "OutOfMemoryError" or isinstance(error, MemoryError)
    return named or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error))


def last_line(text: str) -> str:
    """The last line of a traceback or a message: what went wrong."""
    return text.strip().splitlines()[-1]
