"""What a machine is: told by every worker once, for the record of where numbers come from."""

import os
import platform
import socket
from pathlib import Path
from typing import Any

import torch


def hardware() -> dict[str, Any]:
    """This machine: names and sizes, as JSON values; memory in 10⁹ bytes."""
    return {
        "host": socket.gethostname(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": _gb(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        "gpus": [_gpu(number) for number in range(torch.cuda.device_count())],
        "cuda": torch.version.cuda if torch.cuda.is_available() else None,
    }


def _gpu(number: int) -> dict[str, Any]:
    of = torch.cuda.get_device_properties(number)
    return {"name": of.name, "memory_gb": _gb(of.total_memory)}


def _cpu() -> str:
    """The model's name; where the system does not tell it, that of the architecture."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        told = ""
    lines = (line.partition(":") for line in told.splitlines())
    names = [value.strip() for name, _, value in lines if name.strip() == "model name"]
    return names[0] if names else platform.processor() or platform.machine()


def _gb(size: int) -> float:
    return round(size / 1e9, 1)
