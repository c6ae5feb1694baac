"""Where a report's numbers come from, in words."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from study import footnotes, labels
from study.labels import several
from study.live.view import clock
from study.study import Study

Fact = tuple[str, str]
"""Name and value."""


def origin(study: Study) -> list[Fact]:
    """Code, versions and data; of a study that kept its provenance, machines and launches too."""
    facts = study.folder.facts
    found = [
        ("code", footnotes.revision(study)),
        ("versions", ", ".join(f"{name} {at}" for name, at in facts["versions"].items())),
        *_data(study),
    ]
    record = study.provenance
    return [*found, *(_recorded(record) if record else [("machine", str(facts["machine"]))])]


def _data(study: Study) -> Iterator[Fact]:
    data = study.index.drop_duplicates(["dataset", "split"])[["dataset", "split", "pairs", "data"]]
    for dataset, split, pairs, fingerprint in data.itertuples(index=False):
        yield f"{labels.dataset(dataset)} {split}", f"{pairs:,} pairs, {fingerprint[:16]}"


def _recorded(record: Mapping[str, Any]) -> Iterator[Fact]:
    """What `study.provenance.record` keeps, in words."""
    for name, backbone in record["backbones"].items():
        told = [f"{backbone[what]}" for what in ("fingerprint", "device", "dtype")]
        yield f"backbone {name}", ", ".join([told[0][:16], *told[1:]])
    seeds = record["seeds"].items()
    yield "seeds", ", ".join(f"{of} {str(seed).strip('[]')}" for of, seed in seeds)
    machines = {str(one): one for launch in record["launches"] for one in launch["machines"]}
    for one in machines.values():
        gpus = [f"{gpu['name']} ({gpu['memory_gb']} GB)" for gpu in one["gpus"]]
        told = [one["cpu"], several(one["cores"], "core"), f"{one['memory_gb']} GB", *gpus]
        yield f"machine {one['host']}", ", ".join([*told, one["system"]])
    for number, launch in enumerate(record["launches"], 1):
        yield f"launch {number}", "; ".join(_launch(launch))


def _launch(launch: Mapping[str, Any]) -> Iterator[str]:
    yield f"{launch['started']}, {launch['outcome'] or 'not ended'}"
    yield shlex.join(launch["command"])
    for kind, spent in launch.get("time", {}).items():
        if "stages" in spent:
            yield f"{spent['stages']} × {kind} in {clock(spent['wall_s'])}"
