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
    def row(label, pairs=(math.nan, math.nan), seeds=(math.nan, math.nan), mark="", split="test"):
        return {
            "dataset": "spair", "split": split, "label": label, "effect": 0.02, "mark": mark,
            "needed_pairs_low": pairs[0], "needed_pairs_high": pairs[1],
            "needed_seeds_low": seeds[0], "needed_seeds_high": seeds[1],
        }  # fmt: skip

    inf = math.inf
    rows = pd.DataFrame([
        row("text", (340, 9_000), (2, 6)), row("cpm", (0, 0), (0, 0), mark="*"),
        row("empty", (inf, inf)), row("class", (280, inf), (3, inf)), row("single", (1e5, inf)),
        row("alone"), row("slow", (inf, inf), (200, inf)), row("other", (0, 0), split="val"),
    ])  # fmt: skip
    (line,) = footnotes.needed(rows, effect=None)
    assert line.startswith("More test data needed without * (80 % power for the observed diff")
    assert line.endswith(
        ": SPair-71k text: 340 to 9,000 pairs or 2 to 6 seeds; empty, single: no answer, more than"
        " 20,000 pairs; class: at least 280 pairs or at least 3 seeds; alone: no answer, these"
        " pairs tell no error; slow: no answer, more than 20,000 pairs or 100 seeds."
    )
    planned = pd.DataFrame([row("text", (340, 340), (2, 2)), row("single", (0, 0))])
    (line,) = footnotes.needed(planned, effect=0.01)
    assert "(80 % power for a difference of 1 point): SPair-71k text: 340 pairs or 2 seeds" in line
    assert line.endswith("; single: enough now.")
    assert footnotes.needed(rows[1:2], effect=None) == []


@pytest.mark.slow
def test_a_margin_gives_every_row_a_verdict(made):
    cells, samples = made
    options = {"axis": "timestep", "baseline": "base", "alphas": [0.1]}
    table = tables.ablation(cells, samples, margin=0.3, **options)
    raw = table.raw[table.raw["effect"].notna()]
    assert set(raw["verdict"]) <= {"better", "worse", "equivalent", "undecided"}
    for row in raw.to_dict("records"):
        if row["verdict"] in ("better", "worse"):
            assert row["mark"] == "*"
            assert (row["effect"] > 0) == (row["verdict"] == "better")
        assert (row["verdict"] == "equivalent") == (row["p_equivalent"] < 0.05)
        if row["verdict"] == "equivalent":
            assert -0.3 < row["effect_low"]  # noqa: SIM300
            assert row["effect_high"] < 0.3
    assert (raw["verdict"] == "equivalent").any()
    assert "Margin 30 points: equivalent where" in " ".join(table.footnotes)
    assert "equivalent" in table.text()
    assert '"verdict": "equivalent"' in table.json()
    tight = tables.ablation(cells, samples, margin=1e-6, **options).raw
    assert not (tight["verdict"] == "equivalent").any()
    alone = tables.ablation(cells, samples, **options)
    assert set(alone.raw["verdict"]) == {""}
    assert "Margin" not in " ".join(alone.footnotes)


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
    assert "Means over the measured seeds" in " ".join(seeded.table("prompt").footnotes)
