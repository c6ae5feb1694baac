"""Tables of any dimensions: their numbers against PCK computed from the predictions."""

import re

import numpy as np
import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from sd4match.pck import scoring
from sd4match.pck.breakdowns import breakdown
from sd4match.records.parquet import settings_of
from study.analysis.measuring import setting_of
from study.store.scores import truth_of
from study.tables.layout import Layout

SMALL = """
baseline: {backbone: nano, prompt: single, length: 4, ensemble: 1, kernel: 3}
axes: {prompt: [empty, single], layer: [0, 1]}
"""


def correct_of(study, key, dataset, split, alpha):
    """(truth, pairs, which keypoints are correct), straight from the recorded predictions."""
    index = study.index
    here = (index["configuration"] == key) & (index["dataset"] == dataset)
    row = index[here & (index["split"] == split)].iloc[0].to_dict()
    truth, pairs = truth_of(study.folder.store.folder, row["data"])
    file = study.folder.store.recorded(row["predict"])[setting_of(row)]
    place = settings_of(file).index(setting_of(row))
    positions = study.folder.store.read_predictions(file, truth)[place]
    found = scoring.correct(
        truth, positions, alpha=alpha, protocol=study.rule.protocol, image_size=row["image_size"]
    )
    return truth, pairs, found


def directly(study, key, dataset, split="test", alpha=0.1, **parts):
    truth, pairs, found = correct_of(study, key, dataset, split, alpha)
    if not parts:
        return float(scoring.aggregate(truth, found))
    ((by, level),) = parts.items()
    return next(
        float(part.pck) for part in breakdown(truth, found, {by: list(pairs[by])})
        if part.level == level
    )  # fmt: skip


def key_of(study, **settings):
    rows = study.configurations()
    base = rows.loc[study.baseline]
    for name, value in {"layer": base["layer"], "kernel": base["kernel"], **settings}.items():
        rows = rows[rows[name] == value]
    (key,) = rows.index
    return key


@pytest.mark.slow
def test_cells_are_pck_of_the_predictions(answered):
    table = answered.pivot(Layout(("prompt",), ("dataset", "alpha")))
    assert table.formatted["prompt"].tolist() == ["single", "empty", "class"]
    for prompt, line in table.formatted.set_index("prompt").iterrows():
        key = key_of(answered, prompt=prompt)
        for alpha in answered.rule.alphas:
            wanted = [directly(answered, key, d, alpha=alpha) for d in ("pf_pascal", "spair")]
            shown = [line[f"{name} @{alpha:g}"] for name in ("PF-Pascal", "SPair-71k")]
            assert [float(cell.split()[0]) for cell in shown] == [
                round(100 * pck, 1) for pck in wanted
            ]
            if prompt != "class":
                wanted.insert(1, directly(answered, key, "pf_willow", alpha=alpha))
                number, *bounds = map(float, re.findall(r"[\d.]+", line[f"mean @{alpha:g}"]))
                assert number == round(100 * sum(wanted) / 3, 1)
                assert bounds[0] < number < bounds[1]
    raw = table.raw.set_index(["configuration", "dataset", "alpha"])
    key = key_of(answered, prompt="empty")
    assert raw.loc[(key, "spair", 0.05), "pck"] == directly(answered, key, "spair", alpha=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("by", ["category", "viewpoint", "scale", "truncation", "occlusion"])
def test_parts_are_those_of_the_breakdown(answered, by):
    table = answered.pivot(Layout((by,), ("prompt",), alphas=(0.15,)))
    assert len(table.raw)
    for row in table.raw.to_dict("records"):
        wanted = directly(answered, row["configuration"], "spair", alpha=0.15, **{by: row[by]})
        assert row["pck"] == pytest.approx(wanted, abs=1e-12)
    pairs = answered.pairs("spair", "test")
    one = table.raw[table.raw["prompt"] == "empty"]
    assert one["pairs"].sum() == pairs[by].notna().sum()


@pytest.mark.slow
def test_two_parts_at_once_split_further(answered):
    raw = answered.pivot(Layout(("prompt",), ("viewpoint", "scale"))).raw
    whole = answered.pivot(Layout(("prompt",), ("dataset",), datasets=("spair",))).raw
    for prompt, part in raw[raw["reason"].isna()].groupby("prompt"):
        wanted = whole.loc[whole["prompt"] == prompt, "pck"].iloc[0]
        assert np.average(part["pck"], weights=part["pairs"]) == pytest.approx(wanted)


@pytest.mark.slow
def test_rows_and_columns_may_change_places(answered):
    table = answered.pivot(Layout(("dataset", "split"), ("prompt",), splits=("test", "val")))
    turned = answered.pivot(Layout(("prompt",), ("dataset", "split")))  # both, as it is shown
    assert len(table.formatted) == len(turned.formatted.columns) - 1
    key = ["prompt", "dataset", "split"]
    pd.testing.assert_frame_equal(
        table.raw.set_index(key)[["pck", "low"]].sort_index(),
        turned.raw.set_index(key)[["pck", "low"]].sort_index(),
    )


@pytest.mark.slow
def test_other_axes_stay_at_the_baseline_or_are_chosen_on_validation(study_of):
    study = study_of("crossed", SMALL, "design=factorial")
    kept = study.pivot(Layout(("prompt",))).raw
    assert set(kept["configuration"]) == {key_of(study, prompt=p) for p in ("empty", "single")}
    best = study.pivot(Layout(("prompt",), best=True)).raw
    for prompt, part in best.groupby("prompt"):
        assert set(part["configuration"]) == {study.best(where=f"prompt = '{prompt}'").name}
    both = study.pivot(Layout(("prompt",), best=True, where="layer = 0"))
    assert set(both.raw["configuration"]) == {
        key_of(study, prompt=p, layer=0) for p in ("empty", "single")
    }
    assert "by the best mean/val/pck@0.1 where layer = 0" in " ".join(both.footnotes)
    layer = study.pivot(Layout(("prompt",), where="layer = 0")).raw
    assert set(layer["configuration"]) == {
        key_of(study, prompt=p, layer=0) for p in ("empty", "single")
    }
    with pytest.raises(SD4MatchError, match="2 configurations have prompt=single and differ"):
        study.pivot(Layout(("prompt",), where="true"))


@pytest.mark.slow
def test_seeds_of_a_row_are_averaged(study_of):
    study = study_of("seeds", SMALL.replace(", layer: [0, 1]", ""), "design=factorial", "seeds=3")
    table = study.pivot(Layout(("prompt",), datasets=("spair",)))
    ablated = study.table("prompt").raw.query("dataset == 'spair' and split == 'test'")
    for row in table.raw.to_dict("records"):
        keys = row["configuration"].split()
        wanted = [directly(study, key, "spair") for key in keys]
        assert len(set(wanted)) == row["seeds"] == len(row["records"].split()) == 3
        assert row["pck"] == pytest.approx(np.mean(wanted))
        (same,) = ablated[ablated["value"] == row["prompt"]].to_dict("records")
        numbers = ("pck", "low", "high")
        assert [row[n] for n in numbers] == pytest.approx([same[n] for n in numbers], nan_ok=True)
    assert "the measured seeds, of 0, 1, 2;" in " ".join(table.footnotes)
    best = study.pivot(Layout(("prompt",), best=True)).raw  # seeds are averaged, never chosen
    assert set(best["seeds"]) == {3}
    alone = study.pivot(Layout(("seed",), ("prompt",), datasets=("spair",)))
    assert alone.formatted["seed"].tolist() == ["0", "1", "2"]
    assert "measured seeds, of" not in " ".join(alone.footnotes)


@pytest.mark.slow
def test_missing_cells_say_why(answered):
    table = answered.pivot(Layout(("prompt",)))
    line = table.formatted.set_index("prompt").loc["class"]
    assert (line["PF-Willow"], line["mean"]) == ("–ᵃ", "–ᵇ")
    reason = answered.cells.query("prompt == 'class' and dataset == 'pf_willow'")["reason"].iloc[0]
    assert f"ᵃ missing: {reason}." in table.footnotes
    assert "ᵇ missing: the mean needs PF-Willow too." in table.footnotes
    crossed = answered.pivot(Layout(("prompt",), ("layer",)))
    assert "ᵃ missing: not part of the study." in crossed.footnotes


def test_best_and_second_are_marked_in_each_column(answered):
    table = answered.pivot(Layout(("prompt",)))
    for place, name in enumerate(table.formatted.columns[1:], 1):
        shown = [float(c.split()[0]) for c in table.formatted[name] if c[0] != "–"]
        marked = {
            mark: table.formatted[name].iloc[row] for (row, column), mark in table.marks.items()
            if column == place
        }  # fmt: skip
        assert float(marked["best"].split()[0]) == max(shown)
        if len(set(shown)) > 1:
            assert float(marked["second"].split()[0]) == sorted(set(shown))[-2]


@pytest.mark.slow
def test_only_settings_compete(answered):
    assert answered.pivot(Layout(("alpha",))).marks == {}
    by_category = answered.pivot(Layout(("category",), ("prompt",)))  # along a row
    for row, part in enumerate(by_category.formatted.iloc[:, 1:].to_numpy()):
        shown = [float(cell.split()[0]) for cell in part]
        best = {
            column - 1 for (at, column), m in by_category.marks.items() if (at, m) == (row, "best")
        }
        assert best == {place for place, number in enumerate(shown) if number == max(shown)}
    both = answered.pivot(Layout(("dataset", "prompt"), ()))
    best = [row for (row, _), mark in both.marks.items() if mark == "best"]
    assert set(both.formatted.iloc[best, 0]) == set(both.formatted.iloc[:, 0])  # one a data set
    assert set(both.formatted.iloc[:, 0]) == {"PF-Pascal", "PF-Willow", "SPair-71k", "mean"}


@pytest.mark.slow
def test_other_pairs_or_protocols_are_refused_unless_mixed(answered, study_of):
    fewer = study_of("fewer-pairs", SMALL, "data.pairs=5")
    layout = Layout(("prompt",))
    with pytest.raises(SD4MatchError, match=r"fewer-pairs is not comparable .*fidelity.*--mixed"):
        answered.pivot(layout, fewer)
    mixed = answered.pivot(Layout(("prompt",), mixed=True), fewer)
    marked = mixed.formatted["study"].str.endswith("†")
    assert marked.tolist() == [False] * 3 + [True] * 2
    assert not any(marked[row] for row, _ in mixed.marks)  # never the best
    assert any(note.startswith("† study fewer-pairs is not comparable") for note in mixed.footnotes)
    with pytest.raises(SD4MatchError, match=r"protocol \(dift, not sd4match\)"):
        answered.pivot(layout, fewer.under("dift"))


@pytest.mark.slow
def test_comparable_studies_share_a_table(answered, study_of):
    twin = study_of("twin", SMALL)
    with pytest.raises(SD4MatchError, match="two studies have the same name"):
        answered.pivot(Layout(("prompt",)), twin, answered)
    table = answered.pivot(Layout(("prompt",)), twin)
    assert table.formatted["study"].tolist() == ["answered"] * 3 + ["twin"] * 2
    assert sum("Keys of the predictions" in note for note in table.footnotes) == 2
