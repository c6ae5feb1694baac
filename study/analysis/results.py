"""A study as data: its plan, what was measured, and by which rule."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from study.study import Study


def revision(study: "Study") -> str:
    """The version of the code that a study was launched with, and its git revision where known."""
    known = f"sd4match-study {study.folder.facts['versions']['sd4match-study']}"
    if (record := study.provenance) is not None:
        code = record["launches"][-1]["code"]
        if code["revision"]:
            known += f", revision {code['revision'][:10]}" + (
                " with changes" if code["diff"] else ""
            )
    return known
