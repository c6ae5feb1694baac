"""``sd4match data shapes OUT``: write the generated benchmark as one atomic folder."""

import json
import logging
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from sd4match.datasets.benchmark import MANIFEST
from sd4match.errors import SD4MatchError
from sd4match.testbed.shapes.data_sets import WRITERS

VERSION = 1  # increase it whenever a drawing or a file changes
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Manifest:
    """A generated benchmark: ``pairs`` by data set and split ("trn", "val", "test")."""

    version: int
    seed: int
    scale: float
    pairs: dict[str, dict[str, int]]


def generate(out: str | os.PathLike[str], *, seed: int = 0, scale: float = 1.0) -> Manifest:
    """Write the shapes benchmark in the layouts of PF-Pascal, PF-Willow and SPair-71k.

    Each object appears in one image, so splits and data sets share none. Equal seed and scale give
    equal bytes; an existing benchmark is not changed.

    Args:
        out: the folder to create; it appears once it is complete.
        seed: seed of the benchmark.
        scale: factor on the images of a category and, in PF-Pascal, on its pairs; the images are
            the first ones of the full benchmark. At least two are drawn.

    Returns:
        The manifest, also kept in ``out`` as ``shapes.json``.

    Raises:
        SD4MatchError: ``out`` holds something else, or ``seed`` or ``scale`` is out of range.
    """
    root = Path(out)
    if seed < 0 or not 0 < scale <= 50:
        raise SD4MatchError(
            f"shapes: seed must be 0 or more and scale above 0, up to 50; got {seed}, {scale}"
        )
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        return _existing(root, seed, scale)
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=f".{root.name}-") as folder:
        made = Path(folder) / "tree"
        pairs = {}
        for name, (subfolder, write) in WRITERS.items():
            pairs[name] = write(made / subfolder, seed, scale)
            _LOG.info("shapes: %s, %s pairs", subfolder, pairs[name])
        manifest = Manifest(VERSION, seed, scale, pairs)
        (made / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n")
        if root.is_dir():
            root.rmdir()
        shutil.move(made, root)
    return manifest


def _existing(root: Path, seed: int, scale: float) -> Manifest:
    """The manifest of an existing benchmark; it must have that seed and scale."""
    try:
        manifest = Manifest(**json.loads((root / MANIFEST).read_text()))
    except (OSError, ValueError, TypeError):
        raise SD4MatchError(
            f"{root} holds something else than a shapes benchmark: name a new or an empty folder"
        ) from None
    if (manifest.version, manifest.seed, manifest.scale) != (VERSION, seed, scale):
        raise SD4MatchError(
            f"{root} holds shapes version {manifest.version}, seed {manifest.seed}, scale "
            f"{manifest.scale:g}, not version {VERSION}, seed {seed}, scale {scale:g}: "
            "name another folder or delete it"
        )
    return manifest
