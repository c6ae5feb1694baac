import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from study.ablation import estimates, one_at_a_time, varied
from study.stats import PairSamples, difference, holm, interval


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


def test_values_with_several_configurations_are_told_apart(made):
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
        ("seed", "base", "in seed alone; axes that can be compared: prompt, timestep"),
        ("length", "empty", "axis length means nothing for the baseline empty"),
    ],
)
def test_impossible_comparisons_are_one_line(made, axis, baseline, message):
    with pytest.raises(SD4MatchError, match=message) as error:
        one_at_a_time(made[0], axis=axis, baseline=baseline)
    assert "\n" not in str(error.value)


def test_estimates_are_the_statistics_of_each_cell(made):
    cells, samples = made
    found = estimates(cells, samples, axis="timestep", baseline="base", alphas=[0.1], resamples=200)
    assert len(found) == 3 * 5
    column = found[(found["dataset"] == "spair") & (found["split"] == "test")]
    first = column.iloc[0]
    key = ("spair", "test", 0.1)
    one = interval(samples("t1", *key), resamples=200)
    gap = difference(samples("t1", *key), samples("base", *key), resamples=200)
    assert (first["pck"], first["low"], first["high"]) == (one.mean, one.low, one.high)
    assert (first["effect"], first["p_value"]) == (gap.effect, gap.p_value)
    assert column["p_holm"].tolist() == pytest.approx(holm(column["p_value"].tolist()), nan_ok=True)
    assert column["p_value"].isna().tolist() == [False, True, False]  # none for the baseline


def test_missing_cells_keep_their_reason(made, lose):
    cells, samples = made
    cells = lose(cells, "t1", "spair")
    cells = cells[~((cells["configuration"] == "t261") & (cells["dataset"] == "pf_willow"))]
    found = estimates(cells, samples, axis="timestep", baseline="base", alphas=[0.1], resamples=50)
    reasons = found[found["status"] == "missing"].groupby("configuration")["reason"].unique()
    assert reasons["t1"].tolist() == ["out of memory in predict"]
    assert reasons["t261"].tolist() == ["not part of the study"]


def test_a_missing_baseline_leaves_values_without_differences(made, lose):
    cells, samples = made
    cells = lose(cells, "base", "spair")
    found = estimates(cells, samples, axis="timestep", baseline="base", alphas=[0.1], resamples=50)
    rows = found[(found["dataset"] == "spair") & (found["configuration"] == "t1")]
    assert rows["pck"].notna().all()
    assert rows["effect"].isna().all()


def test_other_pairs_are_refused_with_their_place(made):
    cells, samples = made

    def mixed(name, *key):
        own = samples(name, *key)
        return (
            own if name != "t1" else PairSamples(own.pck, own.source + 1, own.target, own.category)
        )

    with pytest.raises(SD4MatchError, match="t1 against base on pf_pascal test: a paired"):
        estimates(cells, mixed, axis="timestep", baseline="base", resamples=50)
    with pytest.raises(SD4MatchError, match=r"alpha 0.2 was not scored; there are 0.05, 0.1"):
        estimates(cells, samples, axis="timestep", baseline="base", alphas=[0.2])
