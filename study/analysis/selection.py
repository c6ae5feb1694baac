"""Selection of the configuration for each combination of axis values in a table."""

from collections.abc import Mapping, Sequence

from sd4match.errors import SD4MatchError
from study.analysis.choosing import chosen_by
from study.analysis.contrasts import around
from study.analysis.results import Results
from study.analysis.rows import configurations, matching, value
from study.space import labels
from study.space.axes import SEED

Values = tuple[labels.Value, ...]
Keys = tuple[str, ...]
"""Configurations that differ in the seed alone; a table shows their mean."""


def choose(
    study: Results, axes: Sequence[str], *, where: str | None, best: bool
) -> dict[Values, Keys]:
    """The configurations behind each combination of the axes' values that the study has.

    Args:
        study: the study.
        axes: names.
        where: an SQL condition on the axes; without one, and without ``best``, all axes but these
            and the seed stay at the baseline.
        best: of several with the same values, take the one with the highest mean over seeds on
            validation.

    Returns:
        Values to the configuration's seeds (one where ``seed`` is an axis), in the study's order.

    Raises:
        SD4MatchError: no configuration is left, or several where there must be one.
    """
    table = configurations(study.cells)
    keys = set(table if where is None else matching(study.cells, where))
    if where is None and not best:
        keys = set(around(table, base=study.baseline, free=(*axes, SEED)))
    found: dict[Values, dict[Values, Keys]] = {}
    for key, row in table.items():
        if key in keys:
            seeds = found.setdefault(tuple(row[name] for name in axes), {})
            same = tuple(setting for name, setting in row.items() if name != SEED)
            seeds[same] = (*seeds.get(same, ()), key)
    if not best:
        for values, several in found.items():
            _require_one(table, axes, values, list(several.values()))
        return {values: next(iter(several.values())) for values, several in found.items()}
    scores = value(study.cells, chosen_by(study)).to_dict()

    def score(keys: Keys) -> float:
        measured = [scores[key] for key in keys if scores[key] == scores[key]]
        return sum(measured) / len(measured) if measured else -1.0

    return {values: max(several.values(), key=score) for values, several in found.items()}


def _require_one(
    table: Mapping[str, labels.Settings],
    axes: Sequence[str],
    values: Values,
    several: Sequence[Keys],
) -> None:
    if len(several) > 1:
        rows = [table[keys[0]] for keys in several]
        apart = [n for n in rows[0] if n != SEED and len({row[n] for row in rows}) > 1]
        named = labels.settings(dict(zip(axes, values, strict=True))) or "the table's one row"
        raise SD4MatchError(
            f"{len(several)} configurations have {named} and differ in {', '.join(apart)}: make "
            "these rows or columns, choose with --where, or take the best ones with --best"
        )
