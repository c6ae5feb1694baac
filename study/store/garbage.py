"""What a store holds and no study needs: found from the studies' plans, removed on request.

A study needs the records that its plan names, and the caches (VAE moments, outputs of image
encoders) of its backbones and image sizes. Timings and hidden files stay.
"""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from study.store import studies
from study.store.mirror import Mirror
from study.store.store_use import not_in_use
from study.store.study_folder import StudyFolder
from study.store.study_lookup import existing


@dataclass(frozen=True)
class Unneeded:
    """A record or a cache that no study needs.

    Attributes:
        kind: what it is, for people.
        name: key of the stage, name of the ground truth, or name of the cache.
        files: names relative to the store.
        size: bytes of all files.
    """

    kind: str
    name: str
    files: tuple[str, ...]
    size: int


def unneeded(results: Path) -> list[Unneeded]:
    """What no study of a results folder needs, the largest first.

    Args:
        results: as `study.store.mirror.local` gives it.

    Raises:
        SD4MatchError: a study runs, its plan cannot be read, or a URL cannot be reached.
    """
    needed = _Needed()
    for name in studies.names(results):
        folder = existing(results / name)
        studies.require_idle(folder)
        needed.add(StudyFolder(folder))
    found: dict[tuple[str, str], dict[str, int]] = {}
    for name, size in studies.sizes(results / studies.STORE).items():
        if (owner := owner_of(name)) and not needed.has(*owner):
            found.setdefault(owner, {})[name] = size
    all_of_it = (Unneeded(*o, tuple(sorted(f)), sum(f.values())) for o, f in found.items())
    return sorted(all_of_it, key=lambda one: (-one.size, one.kind, one.name))


def collect(results: Path) -> list[Unneeded]:
    """Remove what no study needs; launches are refused meanwhile.

    Args:
        results: as for `unneeded`.

    Returns:
        What was removed.

    Raises:
        SD4MatchError: a launch uses the store, or as for `unneeded`.
    """
    store = results / studies.STORE
    with ExitStack() as locks:
        if store.is_dir():
            locks.enter_context(not_in_use(store))
        found = unneeded(results)
        mirror = Mirror(store)
        for file in (store / name for one in found for name in one.files):
            mirror.remove(file)
            for folder in file.parents[: len(file.relative_to(store).parts) - 1]:
                with suppress(OSError):  # not empty
                    folder.rmdir()
    return found


def owner_of(name: str) -> tuple[str, str] | None:
    """The kind and key of what a file of the store belongs to; None for what is never removed.

    Args:
        name: relative to the store; see the layout in `study.store.store`.
    """
    parts = PurePosixPath(name).parts
    if len(parts) < 2 or any(part.startswith(".") for part in parts):
        return None
    kind, key = parts[0], parts[1]
    if kind == "latents":
        return ("cache of latents", key) if len(parts) > 2 else ("latents", key.partition(".")[0])
    kinds = {"tune": "prompt", "predict": "predictions", "score": "scores"}
    if kind in kinds and len(parts) > 2:
        return kinds[kind], key
    if kind == "contents" and len(parts) > 2:
        return "cache of image encoders", key
    if kind == "truth":
        return "ground truth", key.partition(".")[0].removesuffix("-pairs")
    return None


class _Needed:
    """What the studies need so far."""

    def __init__(self) -> None:
        self._keys: dict[str, set[str]] = {
            kind: set() for kind in ("prompt", "predictions", "scores", "ground truth", "latents")
        }
        self._caches: set[tuple[str, str]] = set()
        self._encoders: set[str] = set()
        self._all_caches = False

    def add(self, study: StudyFolder) -> None:
        """Add what a study needs."""
        index = study.read_plan()
        predicted = set(index["predict"])
        self._keys["prompt"].update(index["tune"].dropna())
        self._keys["predictions"].update(predicted)
        self._keys["scores"].update(predicted)
        for data in set(index["data"]):
            self._keys["ground truth"].add(study.store.truth_files(data)[0].stem)
        made: dict[str, Any] | None = study.read_provenance()
        if made is None:  # of an early version, which did not record its backbones
            self._all_caches = True
            return
        self._keys["latents"].update(made["stages"])
        for machine in made["backbones"].values():
            for size in set(index["image_size"]):
                self._caches.add((machine["fingerprint"][:16], str(size)))
            self._encoders.update(text[:16] for text in _texts(machine["image_encoders"]))

    def has(self, kind: str, name: str) -> bool:
        """Whether a study needs something of the store."""
        if kind in ("latents", "cache of latents", "cache of image encoders") and self._all_caches:
            return True
        if kind == "cache of latents":  # v2-<backbone>-<device>-<size>
            return any(f"-{made}-" in name and name.endswith(f"-{s}") for made, s in self._caches)
        if kind == "cache of image encoders":  # v2-<kind>-<encoder>-<device>
            return any(f"-{encoder}-" in name for encoder in self._encoders)
        return name in self._keys[kind]


def _texts(tree: Any) -> Iterator[str]:
    """All texts in nested JSON values."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict | list):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from _texts(part)
