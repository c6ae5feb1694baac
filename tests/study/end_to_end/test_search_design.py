"""``design: search``: repeatable, extendable, chosen on validation."""

import pytest

import study

pytestmark = pytest.mark.slow
SEARCH = (
    "design=search",
    "axes.timestep=[0,50,100,261,400]",
    "axes.prompt=[empty,text]",
    "baseline.prompt=empty",
    "search.generation=2",
)


@pytest.fixture(scope="module")
def searches(open_terminal):
    """Two searches in one go, each in its folder, for the time it saves: sampler -> terminal."""
    running = {}
    for sampler in ("tpe", "random"):
        terminal = open_terminal()
        options = (*SEARCH, f"search.sampler={sampler}", "search.samples=4", "--json")
        running[sampler] = terminal, terminal.start("study", "launch", "small", *options)
    return {sampler: (terminal, terminal.wait(p)) for sampler, (terminal, p) in running.items()}


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_search_tests_only_what_validation_chose(searches, sampler):
    terminal, ended = searches[sampler]
    assert (ended.code, ended.err) == (0, "")
    assert ended.json["best"]["chosen_by"] == "pf_pascal/val/pck@0.1"
    assert ended.json["best"]["scores"]["pf_willow/test/pck@0.1"] is not None
    opened = study.open(terminal.results / "small")
    cells = opened.cells
    assert (cells["status"] == "done").all()
    tested = set(cells.loc[cells["split"] == "test", "configuration"])
    assert tested == {opened.best().name, opened.baseline}
    val = cells[(cells["split"] == "val") & (cells["alpha"] == 0.1)]
    top = val.set_index("configuration")["pck"]
    assert top[opened.best().name] == top.max()
    assert len(set(val["configuration"])) > len(tested)
    # Every trial answers the whole free grid: both layers.
    trials = opened.configurations().groupby(["prompt", "timestep"])["layer"].nunique()
    assert (trials == 2).sum() >= 2


def test_a_search_in_parts_ends_like_one_in_one_go(searches, open_terminal, ask, answers):
    whole, ended = searches["tpe"]
    terminal = open_terminal()
    begun = ask(terminal, "launch", "small", *SEARCH, "search.samples=2", "--json").json
    assert begun["computed"]
    before = answers(terminal.results)
    more = ask(terminal, "launch", "small", *SEARCH, "search.samples=4", "--json").json
    assert more["best"] == ended.json["best"]
    wanted, found = answers(whole.results), answers(terminal.results)
    # The first part tested its own winner, which may be another: the store may hold more.
    assert wanted.items() <= found.items()
    assert {k: v for k, v in before.items() if k.startswith("store")}.items() <= found.items()
    latents = {label for label in begun["computed"] if label.startswith("latents")}
    assert not latents & set(more["computed"])

    again = ask(terminal, "launch", "small", *SEARCH, "search.samples=4", "--json").json
    assert again["computed"] == []
    assert again["best"] == more["best"]


def test_an_unknown_sampler_or_a_test_metric(open_terminal, ask):
    terminal = open_terminal()
    refused = ask(terminal, "launch", "small", *SEARCH, "search.sampler=tp")
    assert refused.refused("search.sampler", "did you mean 'tpe'?")
    refused = ask(terminal, "launch", "small", *SEARCH, "search.metric=pf_pascal/test/pck@0.1")
    assert refused.refused("val only")
    assert not terminal.results.exists()
