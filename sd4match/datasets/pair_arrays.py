"""The pairs of a split as arrays, which are fast to store, load and hash."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sd4match.datasets.pairs import ATTRIBUTES, ImagePair
from sd4match.errors import SD4MatchError

_UNKNOWN = -1
_TEXTS = ("ids", "images", "categories")
_NO_BOX = np.full(4, np.nan, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Columns:
    """P pairs with K keypoints in total, I images and C categories.

    Attributes:
        ids: P pair ids.
        images: I image ids.
        categories: C category names.
        source, target: (P,) int32, rows of ``images``.
        category: (P,) int32, rows of ``categories``.
        flip: (P,) bool.
        sizes: (P, 2, 2) int32, (width, height) of source and target.
        boxes: (P, 2, 4) float32, NaN for a missing box.
        attributes: (P, 4) int32 in the order of ``ATTRIBUTES``, -1 if unknown.
        starts: (P + 1,) int64; pair i owns keypoints ``starts[i]`` up to ``starts[i + 1]``.
        keypoints: (K, 2, 2) float32, (x, y) in source and target.
        keypoint_ids: (K,) int32.
    """

    ids: list[str]
    images: list[str]
    categories: list[str]
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    category: NDArray[np.int32]
    flip: NDArray[np.bool_]
    sizes: NDArray[np.int32]
    boxes: NDArray[np.float32]
    attributes: NDArray[np.int32]
    starts: NDArray[np.int64]
    keypoints: NDArray[np.float32]
    keypoint_ids: NDArray[np.int32]

    @classmethod
    def of(cls, pairs: Sequence[ImagePair]) -> "Columns":
        """Collect at least one pair into columns; the second pair of the same id gets ``#2``."""
        images = {id_: None for p in pairs for id_ in (p.source_id, p.target_id)}
        categories = {p.category: None for p in pairs}
        image = {id_: i for i, id_ in enumerate(images)}
        category = {name: i for i, name in enumerate(categories)}
        counts = [len(p.keypoint_ids) for p in pairs]
        for pair, n in zip(pairs, counts, strict=True):
            if not len(pair.source_keypoints) == len(pair.target_keypoints) == n:
                raise SD4MatchError(f"pair {pair.id}: its images differ in their keypoints")
        source, target = (
            np.concatenate([getattr(p, f"{side}_keypoints") for p in pairs])
            for side in ("source", "target")
        )
        boxes = [
            _NO_BOX if box is None else box for p in pairs for box in (p.source_box, p.target_box)
        ]
        return cls(
            ids=_numbered(p.id for p in pairs),
            images=list(images),
            categories=list(categories),
            source=np.array([image[p.source_id] for p in pairs], dtype=np.int32),
            target=np.array([image[p.target_id] for p in pairs], dtype=np.int32),
            category=np.array([category[p.category] for p in pairs], dtype=np.int32),
            flip=np.array([p.flip for p in pairs], dtype=np.bool_),
            sizes=np.array([(p.source_size, p.target_size) for p in pairs], dtype=np.int32),
            boxes=np.concatenate(boxes, dtype=np.float32).reshape(-1, 2, 4),
            attributes=np.array(
                [[p.attributes.get(name, _UNKNOWN) for name in ATTRIBUTES] for p in pairs],
                dtype=np.int32,
            ),
            starts=np.cumsum([0, *counts], dtype=np.int64),
            keypoints=np.stack([source, target], axis=1),
            keypoint_ids=np.concatenate([p.keypoint_ids for p in pairs]),
        )

    def pair(self, row: int, *, dataset: str, folder: Path) -> ImagePair:
        """Build one pair. Its arrays are copies."""
        source = self.images[self.source[row]]
        target = self.images[self.target[row]]
        owned = slice(self.starts[row], self.starts[row + 1])
        points = self.keypoints[owned]
        size = self.sizes[row].tolist()
        box, other_box = (None if np.isnan(box).all() else box.copy() for box in self.boxes[row])
        grades = zip(ATTRIBUTES, self.attributes[row].tolist(), strict=True)
        return ImagePair(
            dataset=dataset,
            id=self.ids[row],
            category=self.categories[self.category[row]],
            source_id=source,
            target_id=target,
            source_path=folder / source,
            target_path=folder / target,
            flip=bool(self.flip[row]),
            source_keypoints=points[:, 0].copy(),
            target_keypoints=points[:, 1].copy(),
            keypoint_ids=self.keypoint_ids[owned].copy(),
            source_size=(size[0][0], size[0][1]),
            target_size=(size[1][0], size[1][1]),
            source_box=box,
            target_box=other_box,
            attributes={name: grade for name, grade in grades if grade != _UNKNOWN},
        )

    def require_lengths(self, reference: str, where: Path) -> None:
        """Refuse pairs whose boxes or keypoints give no length that PCK can be measured by.

        Args:
            reference: of the benchmark, one of `sd4match.pck.protocols.REFERENCES`.
            where: the list of the pairs, for the message.

        Raises:
            SD4MatchError: a box whose corners are not x1 < x2 and y1 < y2; with "bbox-kp", target
                keypoints that all lie in one place.
        """
        corner, opposite = self.boxes[..., :2], self.boxes[..., 2:]
        for row, side in np.argwhere((corner >= opposite).any(axis=-1)):
            box = ", ".join(f"{v:g}" for v in self.boxes[row, side].tolist())
            raise SD4MatchError(
                f"{where}: pair {self.ids[row]}: the {('source', 'target')[side]} box is {box}:"
                " expected x1, y1, x2, y2 with x1 < x2 and y1 < y2 (is it x, y, width, height?)"
            )
        if reference != "bbox-kp":
            return
        some = np.flatnonzero(np.diff(self.starts))
        if len(some):
            target, first = self.keypoints[:, 1], self.starts[some]
            extent = np.maximum.reduceat(target, first) - np.minimum.reduceat(target, first)
            for row in some[extent.max(axis=1) <= 0]:
                raise SD4MatchError(
                    f"{where}: pair {self.ids[row]}: all its target keypoints lie in one place, so"
                    " their extent, by which PCK is measured, is 0"
                )

    def digest(self, rows: NDArray[np.int64], *, dataset: str, contents: Mapping[str, str]) -> str:
        """Hash all fields of some pairs, and their images' contents.

        Args:
            rows: (R,) rows of the pairs, in order.
            dataset: the benchmark's name.
            contents: image id -> content hash.

        Returns:
            64 hexadecimal digits; the same for the same pairs, however they were selected.
        """
        counts = np.diff(self.starts)[rows]
        # A pair's keypoints move from their start here to the end of those selected before.
        shift = np.repeat(self.starts[rows] - np.cumsum(counts) + counts, counts)
        keypoints = shift + np.arange(len(shift))
        images = [[self.images[i] for i in side[rows]] for side in (self.source, self.target)]
        parts: list[tuple[str, list[str] | NDArray[Any]]] = [
            ("dataset", [dataset]),
            ("ids", [self.ids[row] for row in rows]),
            ("categories", [self.categories[i] for i in self.category[rows]]),
            ("sources", images[0]),
            ("targets", images[1]),
            ("contents", [contents[image] for side in images for image in side]),
            ("flip", self.flip[rows]),
            ("sizes", self.sizes[rows]),
            ("boxes", self.boxes[rows]),
            ("attributes", self.attributes[rows]),
            ("counts", counts),
            ("keypoints", self.keypoints[keypoints]),
            ("keypoint_ids", self.keypoint_ids[keypoints]),
        ]
        state = hashlib.sha256()
        for name, part in parts:
            data = (
                "\n".join(part).encode()
                if isinstance(part, list)
                else part.astype(part.dtype.newbyteorder("<")).tobytes()
            )
            state.update(f"{name} {len(data)}\n".encode() + data)
        return state.hexdigest()

    def save(self, path: Path, *, signature: str) -> None:
        """Write to an npz file, with a signature of the source files."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays: dict[str, Any] = {
            name: _bytes(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        np.savez(path, signature=_bytes([signature]), **arrays)

    @classmethod
    def load(cls, path: Path, *, signature: str) -> "Columns | None":
        """Read what ``save`` wrote; None if it has another signature."""
        with np.load(path, allow_pickle=False) as file:
            if _strings(file["signature"]) != [signature]:
                return None
            values: dict[str, Any] = {
                field.name: file[field.name]
                if field.name not in _TEXTS
                else _strings(file[field.name])
                for field in fields(cls)
            }
            return cls(**values)


def _numbered(ids: Iterable[str]) -> list[str]:
    """Make ids unique by numbering repetitions: PF-Pascal's training list repeats rows."""
    seen: Counter[str] = Counter()
    unique = []
    for id_ in ids:
        seen[id_] += 1
        unique.append(id_ if seen[id_] == 1 else f"{id_}#{seen[id_]}")
    return unique


def _bytes(strings: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(strings).encode(), dtype=np.uint8)


def _strings(data: NDArray[np.uint8]) -> list[str]:
    return data.tobytes().decode().split("\n")
