"""What may stand in one table: the same pairs of the same data, protocol and fidelity."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sd4match.datasets import BENCHMARKS
from study import labels

if TYPE_CHECKING:
    from study.study import Study


def differences(
    studies: Sequence["Study"], datasets: Iterable[str], splits: Iterable[str]
) -> dict[str, str]:
    """Why studies are not comparable with the first one.

    Args:
        studies: at least one.
        datasets, splits: what they are to be compared on.

    Returns:
        Name of a study to what differs, in words; those that can be compared are left out.
    """
    first, *others = studies
    wanted = [(dataset, split) for dataset in datasets for split in splits]
    found = {}
    for other in others:
        apart = [
            f"{what} ({b}, not {a})"
            for what, a, b in (
                ("protocol", first.rule.protocol, other.rule.protocol),
                ("fidelity", first.folder.facts["fidelity"], other.folder.facts["fidelity"]),
            )
            if a != b
        ]
        ours, theirs = _data(first), _data(other)
        for where in wanted:
            a, b = ours.get(where), theirs.get(where)
            if a is not None and b is not None and a != b:
                name = f"{labels.dataset(where[0])} {where[1]}"
                more = f"{b[1]:,} pairs, not {a[1]:,}" if a[1] != b[1] else "other images or pairs"
                apart.append(f"data of {name} ({more})")
        if apart:
            found[other.name] = (
                f"study {other.name} is not comparable with {first.name}, it differs in"
                f" {'; '.join(apart)}"
            )
    return found


def not_as_published(study: "Study", datasets: Iterable[str]) -> str | None:
    """Why a study's test numbers are not comparable with published ones; None where they are."""
    fidelity = str(study.folder.facts["fidelity"])
    reasons = [] if fidelity == "full" else [fidelity]
    if study.rule.protocol != "sd4match":
        reasons.append(f"protocol {study.rule.protocol}")
    for dataset in datasets:
        held = _data(study).get((dataset, "test"))
        whole, _ = BENCHMARKS[dataset].published["test"]
        if held is not None and held[1] != whole:
            reasons.append(f"{held[1]:,} of {whole:,} pairs of {labels.dataset(dataset)}")
    return f"study {study.name} has {', '.join(reasons)}" if reasons else None


def _data(study: "Study") -> dict[tuple[str, str], tuple[str, int]]:
    """(data set, split) to the fingerprint of its pairs, and how many."""
    rows = study.index.drop_duplicates(["dataset", "split"]).to_dict("records")
    return {
        (str(row["dataset"]), str(row["split"])): (str(row["data"]), int(row["pairs"]))
        for row in rows
    }
