"""Which configuration stands for each combination of some axes' values."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sd4match.errors import SD4MatchError
from study import labels
from study.ablation import configurations
from study.choosing import matching
from study.comparison import around
from study.metric import value

if TYPE_CHECKING:
    from study.study import Study


def choose(
    study: "Study", axes: Sequence[str], *, where: str | None, best: bool
) -> dict[tuple[labels.Value, ...], str]:
    """One configuration for each combination of the axes' values that the study has.

    Args:
        study: the study.
        axes: names.
        where: an SQL condition on the axes; without one, and without ``best``, all axes but these
            stay at the baseline.
        best: of several with the same values, take the one that validation chose.

    Returns:
        Values to the configuration's key, in the study's order.

    Raises:
        SD4MatchError: nothing is left, or several are where one must be chosen.
    """
    table = configurations(study.cells)
    keys = list(table) if where is None else matching(study.cells, where)
    if where is None and not best:
        keys = around(table, base=study.baseline, free=axes)
    found: dict[tuple[labels.Value, ...], list[str]] = {}
    for key in (key for key in table if key in set(keys)):
        found.setdefault(tuple(table[key][name] for name in axes), []).append(key)
    if not best:
        _one_each(table, axes, found)
        return {values: several[0] for values, several in found.items()}
    if study.metric is None:
        raise SD4MatchError(f"study {study.name} has no validation split to choose the best by")
    scores = value(study.cells, study.metric).fillna(-1.0)
    return {
        values: max(several, key=lambda key: float(scores[key]))
        for values, several in found.items()
    }


def _one_each(
    table: Mapping[str, labels.Settings],
    axes: Sequence[str],
    found: Mapping[tuple[labels.Value, ...], Sequence[str]],
) -> None:
    for values, keys in found.items():
        if len(keys) > 1:
            rows = [table[key] for key in keys]
            apart = [name for name in rows[0] if len({row[name] for row in rows}) > 1]
            named = labels.settings(dict(zip(axes, values, strict=True))) or "the table's one row"
            raise SD4MatchError(
                f"{len(keys)} configurations have {named} and differ in {', '.join(apart)}: make "
                "these rows or columns, choose with --where, or take the best ones with --best"
            )
