"""Devices by name and kind, and floating-point types; torch is loaded only when needed."""

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sd4match.errors import SD4MatchError, require_known

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "bfloat16", "float16")

_ACCELERATORS = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")
"""Device files of the drivers of NVIDIA (on Linux, and on WSL) and of AMD."""

_LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR")
"""Variables of the environment that limit the instructions of the libraries that torch calls."""


def device_kind(device: "torch.device") -> str:
    """Name what decides how results are rounded on a device: its chip, and the CPU's instructions.

    docs/explanation/architecture.md, idea 6. The CPU draws the noise for every device.

    Args:
        device: as `choose_device` gives it.

    Returns:
        Such as ``AMD EPYC, AVX2`` or ``NVIDIA H200, AVX512``.
    """
    import torch

    chip = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    limits = [f"{name}={os.environ[name]}" for name in _LIMITS if os.environ.get(name)]
    return ", ".join([chip, torch.backends.cpu.get_cpu_capability(), *limits])


def processor() -> str:
    """The name of the processor; that of its architecture where the system does not say."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    lines = (line.partition(":") for line in text.splitlines())
    names = [value.strip() for name, _, value in lines if name.strip() == "model name"]
    return names[0] if names else platform.processor() or platform.machine()


def device_name(device: str) -> str:
    """Choose the kind of device by name, as `choose_device` does.

    Torch is imported only if this machine may have an accelerator: the import takes seconds.

    Args:
        device: "auto", or an argument of ``torch.device``.

    Returns:
        "cpu", "cuda" or "mps".

    Raises:
        SD4MatchError: unknown, or not available on this machine.
    """
    none_here = sys.platform == "linux" and not any(Path(f).exists() for f in _ACCELERATORS)
    if device == "cpu" or (device == "auto" and none_here and "torch" not in sys.modules):
        return "cpu"
    return str(choose_device(device).type)


def dtype_name(dtype: str, device: str) -> str:
    """Choose a floating-point type by name, as `choose_dtype` does.

    Args:
        dtype: "auto" (float16 on cuda, else float32), or a name in `DTYPES`.
        device: kind of device.

    Returns:
        A name in `DTYPES`.

    Raises:
        SD4MatchError: any other name.
    """
    if dtype == "auto":
        return "float16" if device == "cuda" else "float32"
    require_known(dtype, ("auto", *DTYPES), what="dtype")
    return dtype


def choose_device(device: "str | torch.device") -> "torch.device":
    """Turn a name into an available device.

    Args:
        device: "auto" (cuda, else mps, else cpu) or an argument of ``torch.device``.

    Returns:
        The device.

    Raises:
        SD4MatchError: unknown, or not available on this machine.
    """
    import torch

    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError):
        chosen = None
    if chosen is None or chosen.type not in ("cpu", "cuda", "mps"):
        raise SD4MatchError(f"device {device!r}: use auto, cpu, cuda, cuda:0 … or mps")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if chosen.type == "cuda" and (chosen.index or 0) >= count:
        raise SD4MatchError(f"device {device}: torch sees {count} CUDA devices: use auto or cpu")
    if chosen.type == "mps" and not torch.backends.mps.is_available():
        raise SD4MatchError("device mps: not available on this machine: use auto or cpu")
    return chosen


def choose_dtype(dtype: "str | torch.dtype", device: "torch.device") -> "torch.dtype":
    """Turn a name into a floating-point type.

    Args:
        dtype: "auto" (float16 on cuda, else float32), a name in `DTYPES`, or a torch dtype.
        device: the device it is for.

    Returns:
        A type that `DTYPES` names.

    Raises:
        SD4MatchError: any other type.
    """
    import torch

    name = dtype_name(str(dtype).removeprefix("torch."), device.type)
    chosen: torch.dtype = getattr(torch, name)
    return chosen
