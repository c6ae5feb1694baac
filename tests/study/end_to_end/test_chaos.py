"""The chaos benchmark in short: a cluster on which things are killed ends with the same bytes."""

import importlib.util
from pathlib import Path

import pytest

from sd4match.errors import SD4MatchError
from study.engine import cluster

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chaos():
    """`benchmarks/chaos.py`."""
    file = Path(__file__).parents[3] / "benchmarks" / "chaos.py"
    spec = importlib.util.spec_from_file_location("chaos", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_killed_workers_nodes_and_drivers_change_no_byte(
    chaos, launched, open_terminal, answers, monkeypatch
):
    # A cluster without a token is joined without one, though there is one.
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)
    terminal = open_terminal()
    space = terminal.folder / "search_spaces" / "small.yaml"
    bench = chaos.Bench(terminal.folder, space, len(chaos.stages(launched[0].results)))
    try:
        with monkeypatch.context() as patch:
            patch.setenv("RAY_AUTH_MODE", "token")
            with pytest.raises(SD4MatchError, match="the cluster asks for none"):
                cluster.obtain(bench.cluster.address)
        _, launches, killed = bench.disturbed("results", seed=6)
    finally:
        bench.close()
    assert len(killed) == 3, killed
    assert launches >= 2
    # `launched` ran undisturbed on one node.
    assert answers(terminal.results) == answers(launched[0].results)
