"""The device and floating-point type of a backbone."""

import torch

from sd4match.errors import SD4MatchError, require_known

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(device: str | torch.device) -> torch.device:
    """Turn a name into an available device.

    Args:
        device: "auto" (cuda, else mps, else cpu) or an argument of ``torch.device``.

    Returns:
        The device.

    Raises:
        SD4MatchError: unknown, or not available on this machine.
    """
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


def choose_dtype(dtype: str | torch.dtype, device: torch.device) -> torch.dtype:
    """Turn a name into a floating-point type.

    Args:
        dtype: "auto" (float16 on cuda, else float32), a name of ``DTYPES``, or a torch dtype.
        device: the device it is for.

    Returns:
        A value of ``DTYPES``.

    Raises:
        SD4MatchError: any other type.
    """
    if dtype == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    name = str(dtype).removeprefix("torch.")
    require_known(name, ("auto", *DTYPES), what="dtype")
    return DTYPES[name]
