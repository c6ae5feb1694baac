"""PCK along one axis, and the differences to the baseline."""

import numpy as np
import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from study.analysis.ablation import estimates
from study.analysis.contrasts import one_at_a_time, varied
from study.analysis.statistics.stats import (
    PairSamples,
    difference,
    differences,
    holm,
    interval,
    intervals,
)


def names(cells, axis, baseline="base"):
    return [row.configuration for row in one_at_a_time(cells, axis=axis, baseline=baseline)]


def test_estimates_are_the_statistics_of_each_cell(made):
    cells, samples = made
    found = estimates(cells, samples, axis="timestep", baseline="base", alphas=[0.1])
    assert len(found) == 3 * 5
    column = found[(found["dataset"] == "spair") & (found["split"] == "test")]
    first = column.iloc[0]
    key = ("spair", "test", 0.1)
    one = interval(samples("t1", *key))
    gap = difference(samples("t1", *key), samples("base", *key))
    assert (first["pck"], first["low"], first["high"]) == (one.mean, one.low, one.high)
    assert (first["effect"], first["p_value"]) == (gap.effect, gap.p_value)
    assert column["p_holm"].tolist() == pytest.approx(holm(column["p_value"].tolist()), nan_ok=True)
    assert column["p_value"].isna().tolist() == [False, True, False]  # none for the baseline


def with_seeds(cells, samples, *names, seeds=(0, 1, 2)):
    """The study with more seeds of some configurations, each of which moves PCK by its share."""
    parts = [cells]
    for seed in seeds[1:]:
        more = cells[cells["configuration"].isin(names)].assign(seed=seed)
        parts.append(more.assign(configuration=more["configuration"] + f"@{seed}"))

    def read(name, *key):
        own, _, seed = name.partition("@")
        found = samples(own, *key)
        pck = np.clip(found.pck + 0.01 * int(seed or 0), 0, 1)
        return PairSamples(pck, found.source, found.target, found.category)

    return pd.concat(parts, ignore_index=True), read


def test_a_row_is_the_mean_over_its_seeds_and_differs_on_those_it_shares(made):
    cells, samples = with_seeds(*made, "base", "t1")
    options = {"axis": "timestep", "baseline": "base", "alphas": [0.1]}
    found = estimates(cells, samples, **options)
    column = found[(found["dataset"] == "spair") & (found["split"] == "test")]
    assert column["configuration"].tolist() == ["t1", "base", "t261"]
    assert column["seeds"].tolist() == [3, 3, 1]
    assert column["effect_seeds"].tolist() == [3, 0, 1]
    key = ("spair", "test", 0.1)
    t1, base = ({s: samples(f"{name}@{s}", *key) for s in range(3)} for name in ("t1", "base"))
    one, gap = intervals([t1])[0], differences([t1], base)[0]
    first = column.iloc[0]
    assert (first["pck"], first["low"], first["high"]) == (one.mean, one.low, one.high)
    assert (first["effect"], first["p_value"]) == (gap.effect, gap.p_value)
    assert first["pck"] == pytest.approx(np.mean([t1[s].pck.mean() for s in range(3)]))
    # One seed: its difference is on that seed, not to the mean of the baseline's.
    last = column.iloc[2]
    alone = samples("t261", *key).pck.mean() - samples("base", *key).pck.mean()
    assert last["effect"] == pytest.approx(alone)
    assert np.isnan(last["needed_seeds_low"])
    assert varied(cells, baseline="base") == ["prompt", "timestep", "layer", "localizer"]
    with pytest.raises(SD4MatchError, match="rows are means over the seeds"):
        names(cells, "seed")


def test_marks_and_what_a_difference_needs(made):
    cells, samples = made
    found = estimates(cells, samples, axis="timestep", baseline="base", alphas=[0.1])
    compared = found[found["effect"].notna()]
    assert ((compared["mark"] == "*") == (compared["p_holm"] < 0.05)).all()
    t1, t261 = (compared[compared["configuration"] == name] for name in ("t1", "t261"))
    assert (t1["mark"] == "*").all()
    assert (t1.loc[t1["split"] == "test", "needed_pairs_high"] == 0).all()
    assert (t261.loc[t261["split"] == "test", "needed_pairs_high"] > 0).all()


@pytest.mark.slow
def test_what_has_a_mark_needs_nothing_more(made):
    """Also where it would get one in fewer than four of five such studies."""
    cells, samples = made
    key = ("spair", "test", 0.1)
    base = samples("base", *key)
    noise = np.random.default_rng(0).normal(0, 0.1, len(base.pck))
    noise -= noise.mean()
    close = 0
    for gain in np.linspace(0, 0.05, 26):
        pck = base.pck + noise + gain
        moved = PairSamples(pck, base.source, base.target, base.category)
        found = estimates(
            cells[cells["configuration"].isin(["base", "t1"]) & (cells["dataset"] == "spair")],
            lambda name, *_, moved=moved: base if name == "base" else moved,
            axis="timestep", baseline="base", alphas=[0.1],
        )  # fmt: skip
        (row,) = found[found["effect"].notna() & (found["split"] == "test")].to_dict("records")
        assert (row["needed_pairs_high"] == 0) == (row["mark"] == "*")
        close += 0.01 < row["p_holm"] < 0.05
    assert close > 0


def test_every_cell_is_read_once(made):
    cells, samples = made
    read = []
    estimates(
        cells, lambda *key: read.append(key) or samples(*key), axis="timestep", baseline="base",
    )  # fmt: skip
    assert len(read) == len(set(read)) == 3 * 5 * 2


def test_missing_cells_keep_their_reason(made, lose):
    cells, samples = made
    cells = lose(cells, "t1", "spair")
    cells = cells[~((cells["configuration"] == "t261") & (cells["dataset"] == "pf_willow"))]
    found = estimates(cells, samples, axis="timestep", baseline="base", alphas=[0.1])
    reasons = found[found["status"] == "missing"].groupby("configuration")["reason"].unique()
    assert reasons["t1"].tolist() == ["out of memory in predict"]
    assert reasons["t261"].tolist() == ["not part of the study"]


def test_a_missing_baseline_leaves_values_without_differences(made, lose):
    cells, samples = made
    cells = lose(cells, "base", "spair")
    found = estimates(cells, samples, axis="timestep", baseline="base", alphas=[0.1])
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
        estimates(cells, mixed, axis="timestep", baseline="base")
    with pytest.raises(SD4MatchError, match=r"alpha 0.2 was not scored; scored are 0.05, 0.1"):
        estimates(cells, samples, axis="timestep", baseline="base", alphas=[0.2])
