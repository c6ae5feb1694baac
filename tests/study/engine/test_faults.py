"""Kinds of faults, by the exception in a worker."""

import errno

import pytest
import torch

from sd4match.errors import SD4MatchError
from study.engine.faults import fault


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, ""), "full"),
        (OSError(errno.EIO, ""), "away"),
        (MemoryError(), "memory"),
        (torch.OutOfMemoryError("CUDA"), "memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "memory"),
        (SD4MatchError("no such file"), "mistake"),
        (RuntimeError("else"), "bug"),
    ],
)
def test_faults_are_told_apart_however_deep_they_are(error, kind):
    assert fault(error) == kind
    wrapped = SD4MatchError("one line")
    wrapped.__cause__ = error
    assert fault(wrapped) == ("mistake" if kind == "bug" else kind)
