"""The inputs of stages, by fingerprint: data, prompt files, machines; and content addresses."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sd4match.datasets.benchmark import object_name
from sd4match.datasets.benchmarks import BENCHMARKS, CATEGORIES, FOLDERS, check_root, load
from sd4match.datasets.pair_set import PairSet
from sd4match.datasets.pairs import ImagePair
from sd4match.errors import SD4MatchError
from sd4match.prompts.family_facts import SOURCES

ABSENT = "absent:"
"""Begins the fingerprint of an input that is not on this machine."""


@dataclass(frozen=True)
class DataRef:
    """One split as a study uses it; small enough to travel to a worker.

    Attributes:
        dataset, split, root: as `sd4match.datasets.load` takes them.
        subset: number of pairs, drawn by ``seed``; None for all.
        fingerprint: of the pairs and their images; begins with `ABSENT` if the data are missing.
        pairs: how many pairs.
        images: how many images are extracted: distinct (object, image, flip).
        categories: of the pairs, sorted.
    """

    dataset: str
    split: str
    root: str
    subset: int | None
    seed: int
    fingerprint: str
    pairs: int
    images: int
    categories: tuple[str, ...]

    @property
    def present(self) -> bool:
        """Whether the data were found on disk."""
        return not self.fingerprint.startswith(ABSENT)

    def open(self) -> PairSet:
        """The pairs themselves.

        Raises:
            SD4MatchError: data missing or broken, or changed since the plan was made.
        """
        pairs = _open(self.dataset, self.root, self.split, self.subset, self.seed)
        if pairs.fingerprint != self.fingerprint:
            raise SD4MatchError(
                f"{self.dataset} {self.split} in {self.root} changed while the study ran: "
                "launch it again"
            )
        return pairs

    def to_json(self) -> dict[str, Any]:
        """Plain values; ``DataRef(**values)`` reads them back."""
        return asdict(self)


def refer(dataset: str, split: str, *, root: str, subset: int | None, seed: int) -> DataRef:
    """Describe a split as it is on disk or, if its folder is missing, as it was published.

    Args:
        dataset, split: as `sd4match.datasets.load` takes them.
        root: folder of the data sets.
        subset: number of pairs, None for all.
        seed: draws them.

    Raises:
        SD4MatchError: the folder exists, and the data set in it is broken; or the root is a data
            set's own folder.
    """
    folder = Path(root).expanduser() / FOLDERS[dataset]
    if not folder.is_dir():
        check_root(folder.parent)
    root = str(folder.parent.resolve())
    if not folder.is_dir():
        pairs, images = BENCHMARKS[dataset].published[split]
        kept = pairs if subset is None else min(subset, pairs)
        return DataRef(
            dataset, split, root, subset, seed, f"{ABSENT}{dataset}/{split}/{kept}/{seed}", kept,
            min(images, 2 * kept), CATEGORIES[dataset],
        )  # fmt: skip
    found = _open(dataset, root, split, subset, seed)
    extracted = {
        (object_name(pair.category), image, pair.flip)
        for pair in found
        for image in (pair.source_id, pair.target_id)
    }
    return DataRef(
        dataset, split, root, subset, seed, found.fingerprint, len(found), len(extracted),
        tuple(found.categories),
    )  # fmt: skip


def _open(dataset: str, root: str, split: str, subset: int | None, seed: int) -> PairSet:
    pairs = load(dataset, root, split)
    if subset is None or subset >= len(pairs):
        return pairs

    return pairs.subset(sorted(_order(pairs, seed)[:subset]))


def _order(pairs: PairSet, seed: int) -> list[int]:
    """Positions by their hashes: the first n are a subset, so a larger one contains a smaller."""

    def rank(index: int) -> bytes:
        return hashlib.sha256(f"{seed}:{pairs[index].id}".encode()).digest()

    return sorted(range(len(pairs)), key=rank)


def in_order(data: DataRef) -> Iterator[ImagePair]:
    """All pairs of a split, those that a subset takes first at the start.

    Args:
        data: the split; its number of pairs does not matter.

    Raises:
        SD4MatchError: the data set is broken.
    """
    pairs = load(data.dataset, data.root, data.split)
    return (pairs[index] for index in _order(pairs, data.seed))


def key_of(spec: Mapping[str, Any]) -> str:
    """A content address: 20 hexadecimal digits (80 bits) of the SHA-256 of canonical JSON.

    Args:
        spec: everything that determines an output; JSON values only.

    Raises:
        TypeError: a value that is no JSON.
        ValueError: NaN or infinity.
    """
    return hashlib.sha256(_CANONICAL.encode(spec).encode()).hexdigest()[:20]


# Made once: a large plan has a million keys.
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class PromptFile:
    """A prompt file as a plan sees it.

    Attributes:
        path: where it is: a file of this project, or a file or folder of the original code.
        fingerprint: of its content and of the setting in its folder's name; begins with `ABSENT` if
            the file is missing.
        made_for: fingerprint of the backbone it was learned with; None if the file does not say.
        source: what a cpm prompt reads, such as ``Pair-DINO-Feat``.
        categories: those of a class prompt; empty for others.
    """

    path: str
    fingerprint: str
    made_for: str | None = None
    source: str | None = None
    categories: tuple[str, ...] = ()

    @property
    def present(self) -> bool:
        """Whether the file was found."""
        return not self.fingerprint.startswith(ABSENT)

    @property
    def encoder(self) -> str | None:
        """The kind of image encoder that it reads; None for none."""
        return None if self.source is None else SOURCES[self.source][1].encoder


@dataclass(frozen=True)
class Machine:
    """The weights, device and number formats that decide a result's bytes, up to the device's kind.

    See docs/explanation/architecture.md, ideas 5 and 6.

    Attributes:
        backbone: name or folder, as `sd4match.backbones.load` takes it.
        fingerprint: of its weights and configuration; begins with `ABSENT` if they are missing.
        device, dtype: ``cpu`` or ``cuda`` or ``mps``; ``float32``, ``float16`` or ``bfloat16``.
        threads: CPU threads of a worker; the order of float additions depends on them.
        batch_size: images of a UNet batch in prediction.
        image_encoders: (kind, name) of those that are not the default ones.
    """

    backbone: str
    fingerprint: str
    device: str
    dtype: str
    threads: int
    batch_size: int
    image_encoders: tuple[tuple[str, str], ...] = ()

    @property
    def known(self) -> bool:
        """Whether the weights are on this machine, so that the fingerprint is theirs."""
        return not self.fingerprint.startswith(ABSENT)

    def identity(self) -> dict[str, Any]:
        """The part that goes into keys; the fingerprint replaces the backbone's name."""
        return {
            "backbone": self.fingerprint,
            "device": self.device,
            "dtype": self.dtype,
            "threads": self.threads,
        }
