"""Published PCK, for reference rows in a study's tables (docs/explanation/method.md section 4).

All numbers come from papers' tables, or from later papers that quote them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from study.space.labels import Value
from study.space.metric import MEAN
from study.tables.layout import Layout

SOURCE = (
    "as their papers or later ones report them, not measured here; complete test splits, mean over"
    " pairs; only means over data sets are computed here"
)


@dataclass(frozen=True)
class Published:
    """A method's published PCK in percent, mean over pairs of complete test splits.

    Attributes:
        method: as papers name it, with its supervision where a method has several.
        pck: (data set, alpha) to percent.
        by_category: (data set, alpha) to category to percent.
    """

    method: str
    pck: Mapping[tuple[str, float], float]
    by_category: Mapping[tuple[str, float], Mapping[str, float]] = field(default_factory=dict)


def _method(
    name: str,
    spair: tuple[float | None, float] | None = None,
    pf_pascal: tuple[float | None, float, float | None] | None = None,
    pf_willow: float | None = None,
    by_category: Mapping[str, float] | None = None,
) -> Published:
    """SPair at 0.05 and 0.1, PF-Pascal at 0.05, 0.1 and 0.15, PF-Willow at 0.1."""
    known = {
        **{("spair", a): v for a, v in zip((0.05, 0.1), spair or (), strict=False)},
        **{("pf_pascal", a): v for a, v in zip((0.05, 0.1, 0.15), pf_pascal or (), strict=False)},
        ("pf_willow", 0.1): pf_willow,
    }
    parts = {("spair", 0.1): by_category} if by_category else {}
    return Published(name, {key: v for key, v in known.items() if v is not None}, parts)


_SD4MATCH_CPM = {
    "aeroplane": 75.3, "bicycle": 67.4, "bird": 85.7, "boat": 64.7, "bottle": 62.9, "bus": 86.6,
    "car": 76.5, "cat": 82.6, "chair": 64.8, "cow": 86.7, "dog": 73.0, "horse": 78.9,
    "motorbike": 70.9, "person": 78.3, "pottedplant": 66.8, "sheep": 64.8, "train": 91.5,
    "tvmonitor": 86.6,
}  # fmt: skip

PUBLISHED = (
    _method("CHM", (None, 46.3)),
    _method("CATs", (None, 49.9)),
    _method("TransforMatcher", (None, 53.7)),
    _method("SCorrSAN", (None, 55.3)),
    _method("CATs++", (None, 59.8)),
    _method("SimSC-iBOT", (None, 63.5)),
    _method("DINOv2+NN (zero-shot)", (38.4, 53.9), (63.4, 82.6, 89.9)),
    _method("DIFT (zero-shot)", (39.7, 52.9), (69.0, 82.2, 88.1)),
    _method("SD+DINO (zero-shot)", (44.7, 59.9), (68.1, 85.7, 91.5)),
    _method("SD+DINO (supervised)", (57.7, 74.6)),
    _method("Diffusion Hyperfeatures", (50.2, 64.9)),
    _method("SD4Match-CPM", (59.5, 75.5), (None, 95.2, None), 81.3, _SD4MATCH_CPM),
)
"""In the order of a table: from the earliest to SD4Match."""


def rows(
    layout: Layout, columns: Sequence[tuple[Value, ...]]
) -> Iterator[tuple[str, list[float | None]]]:
    """Each method that was published for some of the columns, and its shares in [0, 1].

    Args:
        layout: of the table.
        columns: values of its column dimensions: data set, alpha, category.
    """
    for method in PUBLISHED:
        found = [_share(method, layout, column) for column in columns]
        if any(share is not None for share in found):
            yield method.method, found


def _share(method: Published, layout: Layout, column: tuple[Value, ...]) -> float | None:
    at = dict(zip(layout.columns, column, strict=True))
    alone = layout.datasets[0] if len(layout.datasets) == 1 else MEAN
    dataset, alpha = str(at.get("dataset", alone)), float(str(at.get("alpha", layout.alphas[0])))
    if "category" in at:
        percent = method.by_category.get((dataset, alpha), {}).get(str(at["category"]))
        return None if percent is None else percent / 100
    wanted = layout.datasets if dataset == MEAN else (dataset,)
    known = [method.pck[name, alpha] for name in wanted if (name, alpha) in method.pck]
    return sum(known) / len(known) / 100 if len(known) == len(wanted) else None
