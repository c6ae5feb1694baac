"""``design: search``: repeatable, extendable, chosen on validation."""

import pandas as pd
import pytest

import study

pytestmark = pytest.mark.slow
SEARCH = (
    "design=search",
    "axes.timestep=[0,50,100,261,400]",
    "axes.prompt=[empty,text]",
    "baseline.prompt=empty",
    "search.generation=2",
    "resources.cpus_per_trial=2",
)


def _launch(ask, terminal, *options):
    ended = ask(terminal, "launch", "small", *SEARCH, *options, "--json")
    assert ended.code == 0, ended
    return ended.json


def test_a_tpe_search_repeats_and_continues(open_terminal, ask, answers):
    first, second = open_terminal(), open_terminal()
    begun = _launch(ask, first, "search.samples=2")
    before = answers(first.results)
    more = _launch(ask, first, "search.samples=4")
    assert begun["computed"]
    assert more["computed"]
    new = [label for label in more["computed"] if label.startswith("predict")]
    assert not set(new) & {label for label in begun["computed"] if begun["best"] == more["best"]}
    store = {k: v for k, v in before.items() if k.startswith("store")}
    assert store.items() <= answers(first.results).items()

    whole = _launch(ask, second, "search.samples=4")
    assert whole["best"] == more["best"]
    tables = [
        {k: v for k, v in answers(t.results).items() if "tables" in k} for t in (first, second)
    ]
    assert tables[0] == tables[1]
    assert answers(second.results).items() <= answers(first.results).items()

    again = _launch(ask, second, "search.samples=4")
    assert again["computed"] == []
    assert again["best"] == whole["best"]
    _tests_only_the_winner_and_the_baseline(second)


def _tests_only_the_winner_and_the_baseline(terminal):
    opened = study.open(terminal.results / "small")
    cells = opened.cells
    assert (cells["status"] == "done").all()
    tested = set(cells.loc[cells["split"] == "test", "configuration"])
    assert tested == {opened.best().name, opened.baseline}
    val = cells[(cells["split"] == "val") & (cells["alpha"] == 0.1)]
    top = val.set_index("configuration")["pck"]
    assert top[opened.best().name] == top.max()
    assert len(set(val["configuration"])) > len(tested)
    # Every trial answers the whole free grid.
    paid = opened.configurations().loc[val["configuration"].unique()]
    assert (paid.groupby(["prompt", "timestep"])["layer"].nunique() == 2).sum() >= 2


def test_a_random_search(open_terminal, ask):
    terminal = open_terminal()
    summary = _launch(ask, terminal, "search.sampler=random", "search.samples=3")
    assert summary["best"]["chosen_by"] == "pf_pascal/val/pck@0.1"
    assert pd.notna(summary["best"]["scores"]["pf_willow/test/pck@0.1"])
    _tests_only_the_winner_and_the_baseline(terminal)


def test_an_unknown_sampler_or_a_test_metric(open_terminal, ask):
    terminal = open_terminal()
    refused = ask(terminal, "launch", "small", *SEARCH, "search.sampler=tp")
    assert refused.refused("search.sampler", "did you mean 'tpe'?")
    refused = ask(terminal, "launch", "small", *SEARCH, "search.metric=pf_pascal/test/pck@0.1")
    assert refused.refused("val only")
    assert not terminal.results.exists()
