"""Two studies side by side: what was asked differently, and how the same configurations differ."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml
from tabulate import tabulate

from sd4match.errors import SD4MatchError, require_known
from study import comparability, footnotes, labels
from study.comparison import configurations
from study.dotted import flatten
from study.stats import difference
from study.views import scores

if TYPE_CHECKING:
    from study.study import Study

_NOT_ASKED = ("name", "axes", "cluster", "resources", "results")


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a comparison found.

    Attributes:
        settings: (setting, in a, in b) of all that differs in what was asked.
        only: configurations that only a has, and that only b has; none where two were named.
        differences: b minus a, a row a pair of configurations, data set and split: columns
            ``a, b, dataset, split, alpha, pck_a, pck_b, effect, low, high, p_value, pairs, note``;
            where there is no difference to give, ``note`` says why.
    """

    settings: list[tuple[str, Any, Any]]
    only: tuple[list[str], list[str]]
    differences: pd.DataFrame


def compare(
    a: "Study",
    b: "Study",
    *,
    configurations_of: tuple[str, str] | None = None,
    alpha: float | None = None,
) -> Comparison:
    """Compare studies over the configurations that both have, or one configuration of each.

    Args:
        a, b: the studies, which may be one.
        configurations_of: a configuration of ``a`` and one of ``b``; None for all in both.
        alpha: threshold; the usual one of ``a`` by default.

    Raises:
        SD4MatchError: there is no such configuration, or the studies have none in common, or no
            data set and split; one was not scored at the alpha.
    """
    ours, theirs = configurations(a.cells), configurations(b.cells)
    if configurations_of is None:
        couples = [(key, key) for key in ours if key in theirs]
        if not couples:
            raise SD4MatchError(
                f"studies {a.name} and {b.name} have no configuration in common: compare one of "
                "each, as NAME:CONFIGURATION"
            )
        settings = list(_settings(a, b))
        only = [k for k in ours if k not in theirs], [k for k in theirs if k not in ours]
    else:
        one, other = configurations_of
        require_known(one, ours, what="configuration", where=f"study {a.name}")
        require_known(other, theirs, what="configuration", where=f"study {b.name}")
        couples, only = [(one, other)], ([], [])
        settings = [
            *((n, v, theirs[other][n]) for n, v in ours[one].items() if v != theirs[other][n]),
            *_settings(a, b),
        ]
    differences = pd.DataFrame(_differences(a, b, couples, alpha or a.rule.usual_alpha))
    if differences.empty:
        raise SD4MatchError(f"studies {a.name} and {b.name} have no data set and split in common")
    return Comparison(settings, only, differences)


def _settings(a: "Study", b: "Study") -> Iterator[tuple[str, Any, Any]]:
    """What the studies were launched with, where it differs."""
    if a.folder == b.folder:
        return
    asked = [
        dict(flatten(yaml.safe_load((s.folder.path / "study.yaml").read_text(encoding="utf-8"))))
        | {"code": footnotes.revision(s), "protocol": s.rule.protocol}
        for s in (a, b)
    ]
    for name in dict.fromkeys((*asked[0], *asked[1])):
        left, right = asked[0].get(name), asked[1].get(name)
        # What varies around the baseline shows in the configurations.
        if name.split(".")[0] not in _NOT_ASKED and left != right:
            yield name, left, right


def _differences(
    a: "Study", b: "Study", couples: Sequence[tuple[str, str]], alpha: float
) -> Iterator[dict[str, object]]:
    """A row a couple of configurations, data set and split that both studies ask for."""
    left, right, protocol = _by_place(a, alpha), _by_place(b, alpha), a.rule.protocol
    for one, other in couples:
        for dataset, split in (place for place in left[one] if place in right[other]):
            ours, theirs = left[one][dataset, split], right[other][dataset, split]
            row = {"a": one, "b": other, "dataset": dataset, "split": split, "alpha": alpha}
            row |= {"pck_a": ours["pck"], "pck_b": theirs["pck"], "note": None}
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
                same = {"effect": 0.0, "low": 0.0, "high": 0.0, "p_value": 1.0}
                yield row | same | {"pairs": ours["pairs"], "note": "the same record in the store"}
            else:
                where = (dataset, split, alpha)
                found = difference(b.samples(other, *where), a.samples(one, *where))
                yield row | {
                    "effect": found.effect, "low": found.low, "high": found.high,
                    "p_value": found.p_value, "pairs": found.pairs,
                }  # fmt: skip


def _by_place(
    study: "Study", alpha: float
) -> dict[str, dict[tuple[str, str], dict[Hashable, Any]]]:
    """Configuration, then data set and split, to the cell at one alpha."""
    cells = scores(study)
    found: dict[str, dict[tuple[str, str], dict[Hashable, Any]]] = {}
    for cell in cells[cells["alpha"] == alpha].to_dict("records"):
        place = (str(cell["dataset"]), str(cell["split"]))
        found.setdefault(str(cell["configuration"]), {})[place] = cell
    if not found:
        raise SD4MatchError(f"study {study.name}: alpha {alpha:g} was not scored: give --alpha")
    return found


def comparison_report(a: "Study", b: "Study", found: Comparison) -> str:
    """A comparison in words."""
    names = _names(a, b, found.differences)
    alpha = found.differences["alpha"].iloc[0]
    lines = [f"{names[1]} minus {names[0]}, PCK@{alpha:g} in percentage points"]
    lines += [
        f"note: {text}"
        for text in comparability.differences([a, b], *_places(found.differences)).values()
    ]
    if found.settings:
        rows = [[name, *map(_said, values)] for name, *values in found.settings]
        lines += ["", tabulate(rows, headers=["differs", *names], disable_numparse=True)]
    table = [
        [
            row["a"] if row["a"] == row["b"] else f"{row['a']} → {row['b']}",
            f"{labels.dataset(row['dataset'])} {row['split']}",
            labels.percent(row["pck_a"]),
            labels.percent(row["pck_b"]),
            labels.MISSING
            if pd.isna(row.get("effect"))
            else labels.signed(row["effect"]) + labels.bounds(row["low"], row["high"]),
            "" if pd.isna(row["note"]) else row["note"],
        ]
        for row in found.differences.to_dict("records")
    ]
    headers = ["configuration", "", *names, "difference [95 %]", ""]
    lines += ["", tabulate(table, headers=headers, disable_numparse=True)]
    lines += [
        f"only in {name}: {len(keys)} configurations ({labels.values(keys)})"
        for name, keys in zip(names, found.only, strict=True)
        if keys
    ]
    return "\n".join(lines)


def _names(a: "Study", b: "Study", differences: pd.DataFrame) -> tuple[str, str]:
    one, other = differences[["a", "b"]].iloc[0]
    if a.folder == b.folder and one != other:
        return f"{a.name}:{one}", f"{b.name}:{other}"
    if a.folder != b.folder and a.name == b.name:
        return str(a.folder.path), str(b.folder.path)
    return a.name, b.name


def _places(differences: pd.DataFrame) -> tuple[list[str], list[str]]:
    return list(differences["dataset"].unique()), list(differences["split"].unique())


def _said(value: object) -> str:
    return labels.MISSING if value is None else str(value)
