"""Which weights a name stands for, without loading or fetching them."""

from pathlib import Path

from sd4match.backbones.fingerprint import fingerprint
from sd4match.backbones.folders import local_files, locate, weight_files
from sd4match.errors import SD4MatchError


def identify(name_or_path: str, *, revision: str | None = None) -> str | None:
    """Fingerprint a backbone that is on this machine.

    Args:
        name_or_path: "nano", a diffusers folder, or a hub id.
        revision: branch, tag or commit of a hub id.

    Returns:
        What ``load(…).fingerprint`` would be; None when the weights are not here.

    Raises:
        SD4MatchError: no such folder, or it is broken.
    """
    if name_or_path == "nano" or Path(name_or_path).expanduser().is_dir():
        folder = locate(name_or_path, revision=revision, weights=True)
    else:
        found = local_files(name_or_path, revision=revision)
        if found is None:
            return None
        folder = found
    try:
        for component in ("text_encoder", "unet", "vae"):
            weight_files(folder / component)
    except SD4MatchError:
        return None
    return fingerprint(folder)


def fetch(name_or_path: str, *, revision: str | None = None) -> None:
    """Bring a backbone's weights to this machine, unless they are here.

    Args:
        name_or_path: "nano", a diffusers folder, or a hub id.
        revision: branch, tag or commit of a hub id.

    Raises:
        SD4MatchError: no such folder, or the hub did not give it.
    """
    locate(name_or_path, revision=revision, weights=True)
