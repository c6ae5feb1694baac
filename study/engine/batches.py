"""Batches that fit into memory: halved until they do, with a warning."""

import gc
import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from study.engine.faults import out_of_memory

log = logging.getLogger(__name__)
T = TypeVar("T")


def fitting(batch: int, compute: Callable[[int], T]) -> tuple[T, int]:
    """Compute in batches of the planned size, or smaller ones that fit.

    Args:
        batch: the planned size.
        compute: called with a size.

    Returns:
        The result, and the size that fitted.

    Raises:
        Exception: of ``compute``, if memory is not the reason, or a batch of one does not fit.
    """
    while True:
        try:
            return compute(batch), batch
        except Exception as error:
            batch = smaller(batch, error)


def smaller(batch: int, error: Exception) -> int:
    """Half of a batch, after freeing memory; raises the error if that cannot help."""
    if batch == 1 or not out_of_memory(error):
        raise error
    half = batch // 2
    log.warning("out of memory with batches of %d: goes on with %d", batch, half)
    error.__traceback__ = None  # its frames hold the tensors
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return half
