"""Published numbers beside a study's own."""

import re

import pytest

from study.tables import published
from study.tables.layout import Layout

CPM = "SD4Match-CPM, published (supervised, SD2.1+DINOv2 at 768)"


@pytest.mark.slow
def test_published_rows_are_left_out_or_marked(answered):
    layout = {"rows": ("prompt",), "columns": ("dataset", "alpha"), "published": True}
    without = answered.pivot(Layout(**layout))
    assert len(without.formatted) == 3
    assert set(without.raw["study"]) == {"answered"}
    assert any("24 of 299 pairs of PF-Pascal" in note for note in without.footnotes)
    table = answered.pivot(Layout(**layout, mixed=True))
    rows = table.formatted.set_index("prompt")
    assert rows.loc[f"{CPM} †", "SPair-71k @0.1"] == "75.5‡"
    assert rows.loc[f"{CPM} †", "mean @0.1"] == "83.7‡"  # of 75.5, 95.2, 80.4
    assert rows.loc["Survey baseline, published (supervised, DINOv3 at 960) †"].tolist()[-2:] == [
        "88.5", "93.7",
    ]  # fmt: skip
    assert not table.marks.keys() & {(row, 1) for row in range(len(rows) - 3)}  # never compete
    raw = table.raw[table.raw["study"] == "(published)"]
    best = raw[(raw["dataset"] == "spair") & (raw["alpha"] == 0.1)].nlargest(1, "pck").iloc[0]
    assert (best["configuration"], best["pck"], best["evidence"]) == (
        "Survey baseline", pytest.approx(0.906), "first-hand",
    )  # fmt: skip
    assert raw["source"].str.len().min() > 10
    by_category = answered.pivot(Layout(("prompt",), ("category",), published=True, mixed=True))
    assert by_category.formatted.iloc[0].to_dict()["aeroplane"] == "75.3‡"


LAYOUT = Layout(("prompt",), ("dataset", "alpha"), datasets=("pf_pascal", "spair"), alphas=(0.1,))
COLUMNS = [("pf_pascal", 0.1), ("spair", 0.1), ("mean", 0.1)]


def test_only_means_over_pairs_stand_in_the_columns():
    found = published.rows(LAYOUT, COLUMNS)
    assert {row.average for cells in found.values() for cell in cells for row in cell} == {"image"}
    dino = found["SD+DINO, published (zero-shot, SD1.5+DINOv2)"]
    assert list(map(published.text, dino)) == ["82.7‡", "59.9‡", "71.3‡"]  # not 86.1, 64.0
    geoaware = found["GeoAware-SC, published (zero-shot, SD1.5+DINOv2)"]
    assert list(map(published.text, geoaware)) == ["–", "64.2", "–"]  # not 65.4
    assert published.share(geoaware[2]) is None


def test_notes_say_what_is_second_hand_and_what_is_left_out():
    what, second, left = published.notes(LAYOUT, published.rows(LAYOUT, COLUMNS))
    assert "not measured here" in what
    assert re.search(r"the survey's page \([^)]*SD4Match-CPM", second)
    assert "Survey baseline" not in second
    assert "Means over keypoints, not over pairs: SD+DINO's paper (SD+DINO" in left
    assert "INSID3's repository (DINOv3+NN, DINOv3+NN debiased)" in left


def test_notes_are_of_the_data_sets_and_alphas_that_are_shown():
    layout = Layout(("prompt",), datasets=("pf_willow",), alphas=(0.1,))
    notes = published.notes(layout, published.rows(layout, [("pf_willow",)]))
    assert len(notes) == 2  # nothing left out
    assert "SimSC" not in notes[1]
