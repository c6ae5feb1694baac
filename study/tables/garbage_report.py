"""What `study gc` found or removed, in words and plain values."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

from study.space.labels import several
from study.store.garbage import Unneeded
from study.tables.study_list import size


def garbage_report(found: Sequence[Unneeded], *, removed: bool) -> tuple[dict[str, Any], str]:
    """A table by kind, and everything by name as plain values.

    Args:
        found: what no study needs.
        removed: whether it was removed.
    """
    total = sum(one.size for one in found)
    facts = {
        "removed": removed,
        "bytes": total,
        "found": [
            {"kind": o.kind, "name": o.name, "files": len(o.files), "bytes": o.size} for o in found
        ],
    }
    if not found:
        return facts, "nothing: all that the store holds is needed by a study"
    kinds = dict.fromkeys(one.kind for one in found)
    counts, bytes_of = Counter(one.kind for one in found), Counter[str]()
    for one in found:
        bytes_of[one.kind] += one.size
    rows = [(kind, f"{counts[kind]:,}", size(bytes_of[kind])) for kind in kinds]
    align = ("left", "right", "right")
    table = tabulate(rows, ["no study needs", "number", "size"], "simple", colalign=align)
    files = several(sum(len(one.files) for one in found), "file")
    end = "removed" if removed else "`study gc --delete` removes"
    return facts, f"{table}\n\n{end} {files}, {size(total)}"
