"""A cache of tensors, in memory up to a limit and on disk."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from sd4match.files import seal
from sd4match.files.atomic import atomic_path

log = logging.getLogger(__name__)

MEMORY = 2**30
"""Bytes kept in memory, the most recently used; the moments of 3,600 images at 768 pixels."""


class TensorCache:
    """A mapping from a content address to a tensor on the CPU.

    Args:
        folder: folder of the files, for other processes and runs; None for none.
        memory: limit in memory, bytes.
    """

    def __init__(self, folder: Path | None, *, memory: int = MEMORY) -> None:
        self._folder = folder
        self._limit = memory
        self._held = 0
        self._memory: OrderedDict[str, Tensor] = OrderedDict()

    def get(self, key: str, compute: Callable[[], Tensor]) -> Tensor:
        """Return a tensor from the cache, or compute and keep it.

        Args:
            key: a file name that identifies everything the tensor depends on.
            compute: computes the tensor.

        Returns:
            The tensor; it must not be changed in place.
        """
        if key in self._memory:
            self._memory.move_to_end(key)
            return self._memory[key]
        value = self._memory[key] = self._read_or_compute(key, compute)
        self._held += value.nbytes
        while self._held > self._limit and len(self._memory) > 1:
            _, dropped = self._memory.popitem(last=False)
            self._held -= dropped.nbytes
        return value

    def _read_or_compute(self, key: str, compute: Callable[[], Tensor]) -> Tensor:
        if self._folder is None:
            return _own(compute())
        path = self._folder / f"{key}.safetensors"
        if path.is_file():
            try:
                if seal.intact(path):
                    # Mapped, not copied: the processes of a machine share its pages.
                    return load_file(path)["value"]
                log.warning("%s: damaged, computed again", path)
            except (SafetensorError, OSError, KeyError) as error:
                log.warning("%s: damaged, computed again (%s)", path, error)
        value = _own(compute())
        with atomic_path(path) as temporary:
            temporary.write_bytes(save({"value": value}, {seal.ENTRY: seal.BLANK}))
            seal.close(temporary)
        return value


def _own(value: Tensor) -> Tensor:
    """The layout that it would have from disk: another one would change orders of additions."""
    return value.clone(memory_format=torch.contiguous_format)
