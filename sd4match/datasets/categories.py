"""The benchmarks' category names. They are compared whole: "car" is no part of "car(G)"."""

PF_PASCAL = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
"""The 20 PASCAL VOC classes in their order: class 1 of PF-Pascal's lists is the first."""

SPAIR = tuple(name for name in PF_PASCAL if name not in ("diningtable", "sofa"))
"""SPair-71k's 18 categories."""

PF_WILLOW = (
    "car(G)", "car(M)", "car(S)", "duck(S)", "motorbike(G)", "motorbike(M)", "motorbike(S)",
    "winebottle(M)", "winebottle(wC)", "winebottle(woC)",
)  # fmt: skip
"""PF-Willow's 10 sub-classes of 4 objects."""


def object_name(category: str) -> str:
    """Name the object of a category as a text prompt says it (METHOD.md section 1).

    Args:
        category: a category of any of the benchmarks.

    Returns:
        The category without PF-Willow's sub-class: ``"car(G)"`` gives ``"car"``.
    """
    return category.partition("(")[0]


def class_alias(category: str) -> str:
    """Name the PASCAL VOC class whose learned prompt serves a category (METHOD.md section 2).

    Args:
        category: a category of any of the benchmarks.

    Returns:
        The object's name, but ``"bottle"`` for wine bottles; ``"duck(S)"`` gives ``"duck"``, which
        is no VOC class.
    """
    name = object_name(category)
    return "bottle" if name == "winebottle" else name
