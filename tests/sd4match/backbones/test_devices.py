"""Devices and floating-point types by name."""

import pytest
import torch

from sd4match import backbones
from sd4match.backbones.devices import device_kind, processor
from sd4match.errors import SD4MatchError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "gpu"}, "device 'gpu': use auto"),
        ({"device": "meta"}, "device 'meta': use auto"),
        ({"device": "cuda:99"}, "device cuda:99: torch sees"),
        ({"dtype": "fp8"}, "unknown dtype 'fp8': known: auto, float32"),
        ({"dtype": torch.int8}, "unknown dtype 'int8': known"),
    ],
)
def test_unknown_device_or_dtype(options, message):
    with pytest.raises(SD4MatchError, match=message):
        backbones.load("nano", **options)


def test_a_kind_of_device_is_its_processor_and_its_instructions(monkeypatch):
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR"):
        monkeypatch.delenv(name, raising=False)
    cpu, instructions = torch.device("cpu"), torch.backends.cpu.get_cpu_capability()
    assert device_kind(cpu) == f"{processor()}, {instructions}"
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "SSE41")
    assert device_kind(cpu) == f"{processor()}, {instructions}, ONEDNN_MAX_CPU_ISA=SSE41"
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device.index}")
    assert device_kind(torch.device("cuda:1")).startswith(f"GPU 1, {instructions}")
