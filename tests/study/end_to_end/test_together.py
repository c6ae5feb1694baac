"""Two studies on one store."""

import pytest

pytestmark = pytest.mark.slow


def test_two_studies_may_share_a_store_at_once(launched, open_terminal, hashes):
    terminal = open_terminal()
    both = [terminal.start("study", "launch", "small", f"name={name}") for name in ("one", "two")]
    for ended in map(terminal.wait, both):
        assert (ended.code, ended.err) == (0, "")
    parts = ("store/predict", "store/score", "store/truth")
    found, wanted = hashes(terminal.results, *parts), hashes(launched[0].results, *parts)
    # Other tests score the launched study's predictions anew under other rules.
    assert found.items() <= wanted.items()
    assert {f for f in wanted.keys() - found.keys() if "/score/" not in f} == set()
    (prompt,) = terminal.results.glob("store/tune/*/prompt.safetensors")  # both may have learned it
    same = launched[0].results / prompt.relative_to(terminal.results)
    assert prompt.read_bytes() == same.read_bytes()
    one, two = (hashes(terminal.results / name / "tables") for name in ("one", "two"))
    assert one.keys() == two.keys()
    assert {name: one[name] for name in one if name.endswith(".csv")} == {
        name: two[name] for name in two if name.endswith(".csv")
    }
