"""Which configurations differ from a baseline in one axis alone."""

import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from study.analysis.contrasts import one_at_a_time, varied


def names(cells, axis, baseline="base"):
    return [row.configuration for row in one_at_a_time(cells, axis=axis, baseline=baseline)]


def test_rows_differ_in_one_axis_alone(made):
    cells, _ = made
    assert names(cells, "timestep") == ["t1", "base", "t261"]  # ascending
    assert names(cells, "layer") == ["l0", "base"]
    assert set(names(cells, "timestep", "other")) == {"other", "l0"}


def test_settings_that_do_not_apply_do_not_count_as_different(made):
    cells, _ = made
    assert names(cells, "prompt") == ["base", "empty", "text"]
    assert names(cells, "localizer") == ["base", "nearest"]
    assert varied(cells, baseline="base") == ["prompt", "timestep", "layer", "localizer"]


def test_values_with_several_configurations_are_distinguished(made):
    cells, _ = made
    shorter = cells[cells["configuration"] == "base"].assign(configuration="short", length=5)
    more = pd.concat([cells, shorter], ignore_index=True)
    both = one_at_a_time(more, axis="prompt", baseline="empty")
    labels = {row.configuration: row.label for row in both}
    assert labels["base"] == "single (length=75)"
    assert labels["short"] == "single (length=5)"
    assert labels["empty"] == "empty"


def test_a_tied_training_timestep_is_no_second_difference(made):
    cells, _ = made
    assert names(cells.assign(**{"train.timestep": cells["timestep"]}), "timestep") == [
        "t1", "base", "t261",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("axis", "baseline", "message"),
    [
        ("timestp", "base", "unknown axis 'timestp': did you mean 'timestep'"),
        ("timestep", "bas", "unknown configuration 'bas': did you mean 'base'"),
        ("seed", "base", "axis seed: rows are means over the seeds"),
        ("length", "empty", "axis length does not apply to the baseline empty"),
    ],
)
def test_impossible_comparisons_are_one_line(made, axis, baseline, message):
    with pytest.raises(SD4MatchError, match=message) as error:
        one_at_a_time(made[0], axis=axis, baseline=baseline)
    assert "\n" not in str(error.value)
