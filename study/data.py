"""Which pairs a study uses: whole splits or seeded subsets, and what is known before they exist."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sd4match import datasets
from sd4match.datasets import PairSet
from sd4match.errors import SD4MatchError


@dataclass(frozen=True)
class DataRef:
    """One split as a study uses it; small enough to travel to a worker.

    Attributes:
        dataset, split, root: as `sd4match.datasets.load` takes them.
        subset: number of pairs kept, None for all; ``seed`` draws them.
        fingerprint: of the pairs kept and their images; ``absent:…`` when only planned.
        pairs: how many pairs.
        images: how many (object, image, flip) there are, which is how many are extracted.
        categories: of the pairs kept, sorted.
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
        return not self.fingerprint.startswith("absent:")

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
    """Describe a split as it is on disk or, when its folder is missing, as it was published.

    Raises:
        SD4MatchError: the data set is there but broken.
    """
    folder = Path(root).expanduser() / datasets.FOLDERS[dataset]
    root = str(Path(root).expanduser().resolve())
    if not folder.is_dir():
        pairs, images = datasets.BENCHMARKS[dataset].published[split]
        kept = pairs if subset is None else min(subset, pairs)
        return DataRef(
            dataset, split, root, subset, seed, f"absent:{dataset}/{split}/{kept}/{seed}", kept,
            min(images, 2 * kept), datasets.CATEGORIES[dataset],
        )  # fmt: skip
    found = _open(dataset, root, split, subset, seed)
    extracted = {
        (datasets.object_name(pair.category), image, pair.flip)
        for pair in found
        for image in (pair.source_id, pair.target_id)
    }
    return DataRef(
        dataset, split, root, subset, seed, found.fingerprint, len(found), len(extracted),
        tuple(found.categories),
    )  # fmt: skip


def _open(dataset: str, root: str, split: str, subset: int | None, seed: int) -> PairSet:
    pairs = datasets.load(dataset, root, split)
    if subset is None or subset >= len(pairs):
        return pairs

    # The pairs with the smallest hashes: a larger subset contains a smaller one of the same seed.
    def rank(index: int) -> bytes:
        return hashlib.sha256(f"{seed}:{pairs[index].id}".encode()).digest()

    return pairs.subset(sorted(sorted(range(len(pairs)), key=rank)[:subset]))
