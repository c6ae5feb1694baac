import io
import math

import pandas as pd
import pytest

from study.tables import footnotes, tables


@pytest.fixture
def table(made):
    cells, samples = made
    return tables.ablation(
        cells, samples, axis="timestep", baseline="base", alphas=[0.1],
        fidelity="60 pairs per split, 40 steps (seed 0)",
    )  # fmt: skip


@pytest.mark.slow
def test_rows_columns_and_marks(table):
    assert list(table.formatted.columns) == [
        "timestep t", "PF-Pascal test @0.1", "PF-Pascal val @0.1", "PF-Willow test @0.1",
        "SPair-71k test @0.1", "SPair-71k val @0.1",
    ]  # fmt: skip
    assert table.formatted["timestep t"].tolist() == ["1", "50 (baseline)", "261"]
    worse, base, same = table.formatted["SPair-71k test @0.1"]
    number = r"\d+\.\d \[\d+\.\d, \d+\.\d\]"
    assert pd.Series([worse]).str.fullmatch(number + r"\n−\d\.\d \[−\d\.\d, −\d\.\d\] \*").all()
    assert pd.Series([base]).str.fullmatch(number).all()
    assert "*" not in same


@pytest.mark.slow
def test_formatted_numbers_are_the_raw_ones(table):
    raw = table.raw[(table.raw["dataset"] == "spair") & (table.raw["split"] == "val")]
    shown = [float(cell.split()[0]) for cell in table.formatted["SPair-71k val @0.1"]]
    assert shown == [round(100 * share, 1) for share in raw["pck"]]


def test_footnotes_say_what_the_numbers_are(table):
    notes = " ".join(table.footnotes)
    for part in (
        "Training: t = 261, layer 1, loss window 7, on each data set's own pairs",
        "Fidelity: 60 pairs per split, 40 steps (seed 0)", "chosen on validation",
        "protocol sd4match", "PF-Willow test 60", "Holm", "Baseline base: backbone=nano",
    ):  # fmt: skip
        assert part in notes
    assert "missing" not in notes


@pytest.mark.slow
def test_prompts_without_training_say_so(made):
    cells, samples = made
    both = tables.ablation(cells, samples, axis="prompt", baseline="base")
    assert "no training for empty, text" in " ".join(both.footnotes)
    plain = cells[cells["configuration"].isin(["empty", "text"])]
    none = tables.ablation(plain, samples, axis="prompt", baseline="empty")
    assert "Training: no training." in none.footnotes
    assert len(none.formatted.columns) == 1 + 5 * 2  # both alphas


@pytest.mark.slow
def test_missing_cells_are_dashes_with_a_reason(made, lose):
    cells, samples = made
    found = tables.ablation(lose(cells, "t1", "spair"), samples, axis="timestep", baseline="base")
    assert found.formatted["SPair-71k test @0.1"].iloc[0] == "–ᵃ"
    assert "ᵃ missing: out of memory in predict." in found.footnotes


@pytest.mark.slow
def test_formats(table):
    lines = table.markdown().splitlines()
    assert lines[0] == "**Ablation of timestep t**"
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1
    assert "<br>−" in lines[4]
    assert "**" in lines[4] + lines[5] + lines[6]
    assert all(note in table.text() for note in table.footnotes)
    latex = table.latex()
    assert latex.isascii()
    assert r"\toprule" in latex
    assert "$-$" in latex
    numbers = table.raw.select_dtypes("number")
    read = pd.read_csv(io.StringIO(table.csv()))
    pd.testing.assert_frame_equal(read[numbers.columns], numbers)


@pytest.mark.slow
def test_overview_ranks_by_validation(made, lose):
    cells, _ = made
    found = tables.overview(lose(cells, "t1", "spair"), metric="mean/val/pck@0.1", top=8)
    assert found.raw["mean/val/pck@0.1"].iloc[:7].is_monotonic_decreasing
    assert found.formatted["configuration"].iloc[0] == "other"
    assert found.formatted.iloc[-1][["configuration", "mean/val/pck@0.1"]].tolist() == ["t1", "–"]
    assert {"prompt", "timestep", "layer", "localizer"} < set(found.formatted.columns)
    assert "length" not in found.formatted.columns  # the same wherever it applies
    assert "chosen on validation (mean/val/pck@0.1)" in " ".join(found.footnotes)
    assert len(tables.overview(cells, top=2).formatted) == 2


@pytest.mark.slow
def test_a_difference_without_a_mark_says_what_it_would_need():
    row = {"dataset": "spair", "split": "test", "label": "text", "effect": 0.02, "mark": ""}
    rows = [
        row | {"needed_pairs": 340.0, "needed_seeds": 2.0},
        row | {"label": "cpm", "mark": "*", "needed_pairs": 0.0, "needed_seeds": 0.0},
        row | {"label": "empty", "needed_pairs": math.inf, "needed_seeds": math.nan},
        row | {"split": "val", "needed_pairs": 7.0, "needed_seeds": 1.0},
    ]
    (line,) = footnotes.needed(pd.DataFrame(rows))
    assert line.endswith("(80 % power): SPair-71k text: 340 pairs or 2 seeds.")
    assert footnotes.needed(pd.DataFrame(rows[1:3])) == []


@pytest.mark.slow
def test_the_overview_has_a_row_a_setting(seeded):
    table = seeded.table()
    top = seeded.top()
    assert table.raw["configuration"].tolist() == top.index.tolist()
    assert table.raw["mean/val/pck@0.1"].tolist() == top["mean/val/pck@0.1"].tolist()
    assert table.formatted["seeds"].tolist() == ["3", "3"]
    assert "seed" not in table.formatted
    notes = " ".join(table.footnotes)
    assert "mean over pairs and the measured seeds of a row" in notes
    assert "seed=" not in notes
    behind = seeded.query("SELECT DISTINCT predict FROM scores")["predict"]
    assert f"({len(behind)} in all" in notes
    assert "seeds, a second level" in " ".join(seeded.table("prompt").footnotes)
