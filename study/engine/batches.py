"""Batches that fit: halved while memory does not suffice, and it is said."""

import gc
import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from study.engine.faults import out_of_memory

log = logging.getLogger(__name__)
T = TypeVar("T")


def fitting(batch: int, compute: Callable[[int], T]) -> tuple[T, int]:
    """Compute something in batches, as large as planned if they fit.

    Args:
        batch: the planned size.
        compute: takes a size.

    Returns:
        What it computed, and the size that fitted.

    Raises:
        Exception: what ``compute`` raised, if it was not memory, or batches of one do not fit.
    """
    while True:
        try:
            return compute(batch), batch
        except Exception as error:
            batch = smaller(batch, error)


def smaller(batch: int, error: Exception) -> int:
    """Half of a batch, after memory was freed; raises the error if that cannot help."""
    if batch == 1 or not out_of_memory(error):
        raise error
    half = batch // 2
    log.warning("out of memory with batches of %d: goes on with %d", batch, half)
    error.__traceback__ = None  # its frames hold the tensors
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return half
