"""Comparison of two studies: settings that differ, paired differences, and comparability."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import yaml

from sd4match.datasets.benchmarks import BENCHMARKS
from sd4match.errors import SD4MatchError, require_known
from study.analysis.results import Results
from study.analysis.rows import by_seed, configurations
from study.analysis.statistics.stats import LEVEL, Row, differences as paired, holm, verdict
from study.space import labels
from study.space.dotted import flatten
from study.space.labels import Value

_NOT_ASKED = ("name", "axes", "cluster", "resources", "results")


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a comparison found.

    Attributes:
        settings: (setting, in a, in b) of everything that the studies asked differently.
        only: configurations that only a has, and that only b has; empty where two were named.
        differences: b minus a, one row per pair of configurations, data set and split: columns
            ``a, b, dataset, split, alpha, pck_a, pck_b, effect, low, high, p_value, p_holm, mark,
            pairs, note``, with a margin ``p_equivalent, verdict``; without a difference, ``note``
            says why. Numbers are means over the seeds that both have.
        margin: the smallest difference that matters, in [0, 1]; None gives no verdicts.
    """

    settings: list[tuple[str, Any, Any]]
    only: tuple[list[str], list[str]]
    differences: pd.DataFrame
    margin: float | None = None


def compare(
    a: Results,
    b: Results,
    *,
    configurations_of: tuple[str, str] | None = None,
    alpha: float | None = None,
) -> Comparison:
    """Compare studies over the configurations that both have, or one configuration of each.

    Args:
        a, b: the studies, which may be the same; the margin of ``a`` counts.
        configurations_of: a configuration of ``a`` and one of ``b``; None for all in both.
        alpha: threshold; the usual one of ``a`` by default.

    Raises:
        SD4MatchError: there is no such configuration, or the studies have none in common, or no
            data set and split; one was not scored at the alpha.
    """
    ours, theirs = configurations(a.cells), configurations(b.cells)
    if configurations_of is None:
        couples = [(key, key) for key in by_seed(ours) if key in theirs]
        if not couples:
            raise SD4MatchError(
                f"studies {a.name} and {b.name} have no configuration in common: compare one of "
                "each, as NAME:CONFIGURATION"
            )
        settings = list(_settings(a, b))
        only = (
            [key for key in by_seed(ours) if key not in theirs],
            [key for key in by_seed(theirs) if key not in ours],
        )
    else:
        one, other = configurations_of
        require_known(one, ours, what="configuration", where=f"study {a.name}")
        require_known(other, theirs, what="configuration", where=f"study {b.name}")
        couples, only = [(one, other)], ([], [])
        settings = [
            *(
                (name, value, theirs[other][name])
                for name, value in ours[one].items()
                if _apart(value, theirs[other][name])
            ),
            *_settings(a, b),
        ]
    differences = pd.DataFrame(_differences(a, b, couples, alpha or a.rule.usual_alpha))
    if differences.empty:
        raise SD4MatchError(f"studies {a.name} and {b.name} have no data set and split in common")
    return Comparison(settings, only, _corrected(differences, margin=a.margin), a.margin)


def _corrected(differences: pd.DataFrame, *, margin: float | None) -> pd.DataFrame:
    """With Holm's correction over what was tested of each data set and split, and marks."""
    differences["p_holm"] = np.nan
    if "p_value" in differences:
        tested = differences[differences["note"].isna()]  # equal predictions need no test
        for _, family in tested.groupby(["dataset", "split"], sort=False):
            for name, adjusted in (("p_value", "p_holm"), ("p_equivalent", "p_equivalent")):
                differences.loc[family.index, adjusted] = holm(family[name].tolist())
    differences["mark"] = np.where(differences["p_holm"] < LEVEL, "*", "")
    differences["verdict"] = ""
    if margin is not None and "effect" in differences:
        known = differences[differences["effect"].notna()]
        names = ["effect", "p_holm", "p_equivalent"]
        said = [verdict(*row) for row in known[names].itertuples(index=False, name=None)]
        differences.loc[known.index, "verdict"] = said
    return differences


def _apart(a: Value, b: Value) -> bool:
    """Whether a setting differs, and applies to both."""
    return a != b and None not in (a, b)


def _settings(a: Results, b: Results) -> Iterator[tuple[str, Any, Any]]:
    """The settings that the studies were launched with, where they differ and apply."""
    if a.folder == b.folder:
        return
    launched = [
        dict(flatten(yaml.safe_load((s.folder.path / "study.yaml").read_text(encoding="utf-8"))))
        | {"code": s.revision, "protocol": s.rule.protocol, "computed on": "; ".join(s.devices())}
        for s in (a, b)
    ]
    rows = [*configurations(a.cells).values(), *configurations(b.cells).values()]
    idle = {f"baseline.{n}" for n in rows[0] if all(row[n] is None for row in rows)}
    for name in dict.fromkeys((*launched[0], *launched[1])):
        left, right = launched[0].get(name), launched[1].get(name)
        # The axes that vary already show in the configurations.
        if name.split(".")[0] not in _NOT_ASKED and left != right and name not in idle:
            yield name, left, right


def _differences(
    a: Results, b: Results, couples: Sequence[tuple[str, str]], alpha: float
) -> Iterator[dict[str, object]]:
    """One row per two configurations, data set and split that both studies ask for."""
    left, right, protocol = _by_place(a, alpha), _by_place(b, alpha), a.rule.protocol
    for one, other in couples:
        for dataset, split in (place for place in left[one] if place in right[other]):
            ours, theirs = left[one][dataset, split], right[other][dataset, split]
            row = {"a": one, "b": other, "dataset": dataset, "split": split, "alpha": alpha}
            where = (dataset, split, alpha)
            rows = _rows(a, b, one, other, where)
            row |= {"pck_a": _mean(rows[0]), "pck_b": _mean(rows[1]), "note": None}
            gone = next((c["reason"] for c in (ours, theirs) if c["status"] != "done"), None)
            if gone is not None:
                yield row | {"note": f"missing: {gone}"}
            elif ours["data"] != theirs["data"]:
                yield row | {"note": "other pairs or images"}
            elif (
                ours["predict"] == theirs["predict"]
                and one == other
                and protocol == b.rule.protocol
            ):
                same = {"effect": 0.0, "low": 0.0, "high": 0.0, "p_value": 1.0, "p_equivalent": 0.0}
                yield row | same | {"pairs": ours["pairs"], "note": "the same predictions"}
            else:
                (found,) = paired([rows[1]], rows[0])
                assert found is not None
                alike = np.nan if a.margin is None else found.p_beyond(a.margin)
                yield row | {
                    "effect": found.effect, "low": found.low, "high": found.high,
                    "p_value": found.p_value, "p_equivalent": alike, "pairs": found.pairs,
                    "note": found.reason and f"no interval: {found.reason}",
                }  # fmt: skip


def _rows(
    a: Results, b: Results, one: str, other: str, where: tuple[str, str, float]
) -> tuple[Row, Row]:
    """What two configurations measured under the seeds that both have.

    Without a seed in common, or of two seeds of one setting, these two alone.
    """
    rows = a.row(one, *where), b.row(other, *where)
    shared = [seed for seed in rows[0] if seed in rows[1]]
    twins = a.folder == b.folder and one != other and other in a.seeds_of(one).values()
    if shared and not twins:
        return {s: rows[0][s] for s in shared}, {s: rows[1][s] for s in shared}
    return _alone(a, one, where), _alone(b, other, where)


def _alone(study: Results, key: str, where: tuple[str, str, float]) -> Row:
    seeds = {name: seed for seed, name in study.seeds_of(key).items()}
    row = study.row(key, *where)
    return {0: row[seeds[key]]} if seeds[key] in row else {}


def _mean(row: Row) -> float:
    return float(np.mean([samples.pck.mean() for samples in row.values()])) if row else np.nan


def _by_place(
    study: Results, alpha: float
) -> dict[str, dict[tuple[str, str], dict[Hashable, Any]]]:
    """Configuration, then data set and split, to the result at one alpha."""
    cells = study.cells_with_keys
    found: dict[str, dict[tuple[str, str], dict[Hashable, Any]]] = {}
    for cell in cells[cells["alpha"] == alpha].to_dict("records"):
        place = (str(cell["dataset"]), str(cell["split"]))
        found.setdefault(str(cell["configuration"]), {})[place] = cell
    if not found:
        raise SD4MatchError(f"study {study.name}: alpha {alpha:g} was not scored: give --alpha")
    return found


def differences(
    studies: Sequence[Results], datasets: Iterable[str], splits: Iterable[str]
) -> dict[str, str]:
    """Why studies are not comparable with the first one.

    Args:
        studies: at least one.
        datasets, splits: on which they shall be compared.

    Returns:
        Name of a study to what differs, in words; comparable studies are left out.
    """
    first, *others = studies
    wanted = [(dataset, split) for dataset in datasets for split in splits]
    found = {}
    for other in others:
        apart = [
            f"{what} ({b}, not {a})"
            for what, a, b in (
                ("protocol", first.rule.protocol, other.rule.protocol),
                ("fidelity", first.fidelity, other.fidelity),
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


def not_as_published(study: Results, datasets: Iterable[str]) -> str | None:
    """Why a study's test numbers are not comparable with published ones; None where they are."""
    reasons = [study.reduced] if study.reduced else []
    if study.rule.protocol != "sd4match":
        reasons.append(f"protocol {study.rule.protocol}")
    for dataset in datasets:
        held = _data(study).get((dataset, "test"))
        complete, _ = BENCHMARKS[dataset].published.get("test", (None, None))
        if held is not None and complete is not None and held[1] != complete:
            reasons.append(f"{held[1]:,} of {complete:,} pairs of {labels.dataset(dataset)}")
    return f"study {study.name} has {', '.join(reasons)}" if reasons else None


def _data(study: Results) -> dict[tuple[str, str], tuple[str, int]]:
    """(data set, split) to the fingerprint of its pairs, and how many."""
    rows = study.index.drop_duplicates(["dataset", "split"]).to_dict("records")
    return {
        (str(row["dataset"]), str(row["split"])): (str(row["data"]), int(row["pairs"]))
        for row in rows
    }
