"""Which axis matters: against factorials whose variance components are known by hand."""

import numpy as np
import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from study.analysis.importance.measured_metric import Measure
from study.analysis.statistics.stats import PairSamples, difference
from study.search.ped_anova import importance
from study.space.axes import AXES
from study.space.metric import Metric

# All ordered pairs of 8 images in each of 5 categories.
EVERY = np.array([(i, j) for i in range(8) for j in range(8) if i != j])
SOURCE, TARGET = np.concatenate([EVERY + 8 * c for c in range(5)]).T
PAIRS = SOURCE, TARGET, SOURCE // 8
BASE = dict.fromkeys(AXES) | {"prompt": "single", "localizer": "nearest", "seed": 0}

# Effects that sum to zero: their mean squares are the variance components.
TIMESTEP, LAYER = np.array([-0.1, 0.0, 0.1]), np.array([-0.05, 0.05])
BOTH = np.outer([0.02, -0.04, 0.02], [1, -1])
PARTS = {
    ("timestep", None): (TIMESTEP**2).mean(),
    ("layer", None): (LAYER**2).mean(),
    ("timestep", "layer"): (BOTH**2).mean(),
}
TRUTH = {names: part / sum(PARTS.values()) for names, part in PARTS.items()}


def cell(name, axes, samples, dataset="spair"):
    mean = samples.pck.mean()
    return {
        "configuration": name, **BASE, **axes, "dataset": dataset, "split": "val", "alpha": 0.1,
        "pck": mean, "pck_point": mean, "pairs": len(samples.pck), "keypoints": 8,
        "status": "done", "reason": None,
    }  # fmt: skip


def study_of(points, *, image=0.0, pair=0.0, seed=0, datasets=("spair",)):
    """Cells and samples of ``points``, pairs of axes and true PCK; images have effects of their
    own on each configuration, beside a common one."""
    rng = np.random.default_rng(seed)
    kept, rows = {}, []
    for dataset in datasets:
        common = rng.normal(0, 0.1, 40)
        for number, (axes, mean) in enumerate(points):
            effect = common + rng.normal(0, image, 40)
            pck = mean + effect[SOURCE] + effect[TARGET] + rng.normal(0, pair, len(SOURCE))
            kept[f"c{number}", dataset] = PairSamples(pck, *PAIRS)
            rows.append(cell(f"c{number}", axes, kept[f"c{number}", dataset], dataset))
    return pd.DataFrame(rows), lambda name, dataset, *_: kept[name, dataset]


def grid():
    return [
        ({"timestep": 10 * i, "layer": j}, 0.5 + TIMESTEP[i] + LAYER[j] + BOTH[i, j])
        for i in range(3)
        for j in range(2)
    ]


def ask(cells, samples, design, **options):
    settings = {"metric": "spair/val/pck@0.1", "baseline": "c0"} | options
    return importance(cells, samples, design=design, **settings)


def by_axes(found):
    return {(row.axis, row.other): row for row in found.itertuples()}


def test_a_factorial_without_noise_gives_the_components_exactly():
    found = ask(*study_of(grid()), "factorial")  # type: ignore[call-arg]
    assert list(found.columns) == ["axis", "other", "kind", "value", "low", "high"]
    assert set(found["kind"]) == {"share of variance"}
    assert list(zip(found["axis"], found["other"], strict=True)) == list(PARTS)  # the larger first
    assert found["value"].tolist() == pytest.approx(list(TRUTH.values()))
    assert (found["high"] - found["low"]).max() < 1e-6


def test_a_third_axis_that_only_interacts_has_no_share_alone():
    points = [
        ({**axes, "ensemble": draws}, mean + (0.01 if (draws > 1) == axes["layer"] else -0.01))
        for axes, mean in grid()
        for draws in (1, 4)
    ]
    found = by_axes(ask(*study_of(points), "factorial"))  # type: ignore[call-arg]
    total = sum(PARTS.values()) + 0.01**2
    assert found["ensemble", "layer"].value == pytest.approx(0.01**2 / total)
    assert found["timestep", "layer"].value == pytest.approx((BOTH**2).mean() / total)
    assert found["ensemble", None].value == pytest.approx(0, abs=1e-9)
    assert found["timestep", "ensemble"].value == pytest.approx(0, abs=1e-9)


@pytest.mark.slow
def test_a_seed_is_no_axis_and_its_luck_is_no_effect():
    """40 studies with three seeds, whose luck is a fifth of the variance of one over the grid."""
    shares, inside = [], 0
    for study in range(40):
        luck = np.random.default_rng(study).normal(0, 0.05, (6, 3))
        points = [
            ({**axes, "seed": seed}, mean + luck[place, seed])
            for place, (axes, mean) in enumerate(grid())
            for seed in range(3)
        ]
        found = by_axes(ask(*study_of(points, pair=0.05, seed=study), "factorial"))  # type: ignore[call-arg]
        assert found.keys() == TRUTH.keys()
        row = found["timestep", None]
        shares.append(row.value)
        inside += row.low <= TRUTH["timestep", None] <= row.high
    assert np.mean(shares) == pytest.approx(TRUTH["timestep", None], abs=0.06)
    assert inside >= 0.9 * 40


@pytest.mark.slow
def test_intervals_of_shares_cover_the_truth():
    """250 studies: 95 % has a Monte Carlo error of 1.4 %."""
    inside = dict.fromkeys(TRUTH, 0)
    for seed in range(1000, 1250):
        cells, samples = study_of(grid(), image=0.03, pair=0.1, seed=seed)
        for names, row in by_axes(ask(cells, samples, "factorial")).items():
            assert row.low <= row.value <= row.high
            inside[names] += row.low <= TRUTH[names] <= row.high
    assert min(inside.values()) >= 0.92 * 250


@pytest.mark.slow
def test_many_axes_without_an_effect_take_nothing_from_the_one_that_has_it():
    """96 configurations, 60 of 63 sets of axes without an effect, 240 pairs, 25 studies.

    Cut at 0 before they are summed, the shares of chance lowered 0.83 to about 0.6 here. The mean
    of 25 has a Monte Carlo error of 0.02.
    """
    effect = 0.015 * np.sqrt(np.array([0.83, 0.17]))[:, None, None] * np.stack(
        [np.outer([-1.5, 0.0, 1.5] / np.sqrt(1.5), [1, 1]), np.outer([1, -2, 1], [1, -1]) / 2**0.5]
    )  # fmt: skip
    levels = {"timestep": 3, "layer": 2, "kernel": 2, "ensemble": 2, "temperature": 2, "length": 2}
    points = [
        (dict(zip(levels, place, strict=True)), 0.5 + float(effect[:, place[0], place[1]].sum()))
        for place in np.ndindex(*levels.values())
    ]
    shares, inside = [], 0
    for seed in range(25):
        cells, whole = study_of(points, image=0.02, pair=0.2, seed=seed)

        def samples(*key, of=whole):
            return of(*key).part(np.arange(len(SOURCE)) < 240)

        row = by_axes(ask(cells, samples, "factorial"))["timestep", None]
        shares.append(row.value)
        inside += row.low <= 0.83 <= row.high
    assert 0.78 <= np.mean(shares) <= 0.88
    assert inside >= 0.9 * 25


def test_configurations_that_chance_explains_have_no_shares():
    points = [(axes, 0.5) for axes, _ in grid()]
    with pytest.raises(SD4MatchError, match="6 configurations on 280 pairs differ no more than"):
        ask(*study_of(points), "factorial")  # type: ignore[call-arg]


def test_an_axis_that_means_nothing_counts_for_all_of_its_values():
    """A prompt without a length answers every length, so the grid is full."""
    points = [({"prompt": "empty"}, 0.3), *(({"length": n}, 0.5 + n / 100) for n in (5, 25))]
    found = by_axes(ask(*study_of(points), "factorial"))  # type: ignore[call-arg]
    table = np.array([[0.3, 0.3], [0.55, 0.75]])
    centred = table - table.mean()
    rows, columns = centred.mean(axis=1), centred.mean(axis=0)
    total = (centred**2).mean()
    assert found["prompt", None].value == pytest.approx((rows**2).mean() / total)
    assert found["length", None].value == pytest.approx((columns**2).mean() / total)


def test_a_mean_over_data_sets_is_of_both():
    datasets = ("pf_pascal", "spair")
    found = ask(  # type: ignore[call-arg]
        *study_of(grid(), datasets=datasets), "factorial", metric="mean/val/pck@0.1"
    )
    assert found["value"].tolist() == pytest.approx(list(TRUTH.values()))


@pytest.mark.slow
def test_seeds_are_common_to_the_data_sets_of_a_mean():
    """What a training is worth moves all data sets alike: two of them do not halve its chance."""
    lucky = {0: -0.02, 1: 0.0, 2: 0.02}
    points = [
        ({"timestep": t, "seed": seed}, 0.5 + (gain + luck if t else 0.0))
        for seed, luck in lucky.items()
        for t, gain in ((0, 0.0), (1, 0.1))
    ]
    widths = []
    for datasets in (("spair",), ("pf_pascal", "spair", "pf_willow")):
        cells, samples = study_of(points, pair=0.001, datasets=datasets)
        metric = f"{'mean' if len(datasets) > 1 else 'spair'}/val/pck@0.1"
        first = by_axes(ask(cells, samples, "one_at_a_time", metric=metric))["timestep", None]
        assert first.value == pytest.approx(0.1, abs=0.005)
        widths.append(first.high - first.low)
    # Student's t of two degrees of freedom: 4.30 * 0.02 / sqrt(3) to each side.
    assert widths == pytest.approx([2 * 0.0497] * 2, rel=0.05)


def test_data_sets_of_a_mean_weigh_the_same_whatever_their_pairs():
    cells, whole = study_of(grid(), image=0.02, pair=0.1, datasets=("pf_pascal", "spair"))

    def samples(name, dataset, *key):
        found = whole(name, dataset, *key)
        few = slice(0, 100 if dataset == "spair" else None)
        return PairSamples(
            found.pck[few], found.source[few], found.target[few], found.category[few]
        )

    for row in cells.index:
        name, dataset = cells.loc[row, ["configuration", "dataset"]]
        cells.loc[row, "pck"] = samples(name, dataset).pck.mean()
    found = ask(cells, samples, "one_at_a_time", metric="mean/val/pck@0.1")
    means = cells.groupby("configuration")["pck"].mean()
    assert by_axes(found)["layer", None].value == pytest.approx(abs(means["c1"] - means["c0"]))
    pairs = Measure.of(cells, samples, Metric.parse("mean/val/pck@0.1")).pairs("c0")
    assert pairs.pck.mean() == pytest.approx(means["c0"])
    of_spair = samples("c0", "spair")
    own = [
        len(np.unique([part.source, part.target])) for part in (of_spair, whole("c0", "pf_pascal"))
    ]
    assert len(np.unique([pairs.source, pairs.target])) == sum(own)
    assert len(np.unique(pairs.category)) == len(np.unique(of_spair.category)) + 5


def test_shares_of_too_few_pairs_have_no_interval():
    cells, whole = study_of(grid())

    def samples(*key):
        found = whole(*key)
        return PairSamples(found.pck[:1], *(part[:1] for part in PAIRS))

    found = ask(cells, samples, "factorial")
    assert found["value"].tolist() == pytest.approx(list(TRUTH.values()))
    assert found[["low", "high"]].isna().all(axis=None)


@pytest.mark.slow
def test_a_search_is_asked_by_ped_anova():
    rng = np.random.default_rng(0)
    points = [
        ({"timestep": t, "layer": int(layer), "kernel": float(k)}, 0.4 + 0.1 * layer - 0.002 * t)
        for t, layer, k in zip(
            rng.integers(0, 40, 120), rng.integers(0, 4, 120), rng.integers(1, 9, 120), strict=True
        )
    ]
    cells, samples = study_of(points, pair=0.02)
    found = ask(cells, samples, "search")
    assert set(found["kind"]) == {"PED-ANOVA share"}
    assert found["value"].sum() == pytest.approx(1)
    assert found["axis"].tolist()[-1] == "kernel"
    assert found["value"].iloc[-1] < 0.1 < found["low"].iloc[0]
    pd.testing.assert_frame_equal(found, ask(cells, samples, "search"))
    # A factorial with holes cannot be taken apart exactly.
    assert set(ask(cells, samples, "factorial")["kind"]) == {"PED-ANOVA share"}


def test_around_a_baseline_it_is_the_largest_difference():
    points = [
        ({"timestep": 50, "layer": 1}, 0.5),
        *(({"timestep": t, "layer": 1}, 0.5 + gain) for t, gain in ((1, -0.2), (100, 0.02))),
        ({"timestep": 50, "layer": 2}, 0.5),
    ]
    cells, samples = study_of(points, image=0.01, pair=0.05)
    found = ask(cells, samples, "one_at_a_time")
    first, second = found.itertuples()
    assert (first.axis, second.axis) == ("timestep", "layer")
    assert set(found["kind"]) == {"largest difference"}
    assert first.low < 0.2 < first.high
    assert second.low == 0
    # Two values along the timestep: intervals of 97.5 % hold together.
    gap = difference(samples("c1", "spair"), samples("c0", "spair"))
    low, high = gap.interval_at(0.975)
    assert (first.value, first.low, first.high) == pytest.approx((-gap.effect, -high, -low))
    pd.testing.assert_frame_equal(found, ask(cells, samples, "leave_one_out"))


@pytest.mark.parametrize(
    ("design", "options", "message"),
    [
        ("factorials", {}, "unknown design 'factorials': did you mean 'factorial'"),
        ("factorial", {"metric": "spair/val/pck@0.1/point"}, "averages over pairs; take spair/val"),
        ("search", {}, "6 configurations are measured; PED-ANOVA needs 10"),
        ("one_at_a_time", {"baseline": "c9"}, "not measured yet for the baseline c9"),
    ],
)
def test_what_cannot_be_answered_is_one_line(design, options, message):
    with pytest.raises(SD4MatchError, match=message) as error:
        ask(*study_of(grid()), design, **options)  # type: ignore[call-arg]
    assert "\n" not in str(error.value)
