"""Launches beside others: two studies on one store, and a cluster that is there already."""

import socket

import pytest

pytestmark = pytest.mark.slow


def test_two_studies_may_share_a_store_at_once(launched, open_terminal, hashes):
    terminal = open_terminal()
    both = [terminal.start("study", "launch", "small", f"name={name}") for name in ("one", "two")]
    for ended in map(terminal.wait, both):
        assert (ended.code, ended.err) == (0, "")
    parts = ("store/predict", "store/score", "store/truth")
    assert hashes(terminal.results, *parts) == hashes(launched[0].results, *parts)
    (prompt,) = terminal.results.glob("store/tune/*/prompt.safetensors")  # both may have learned it
    same = launched[0].results / prompt.relative_to(terminal.results)
    assert prompt.read_bytes() == same.read_bytes()
    one, two = (hashes(terminal.results / name / "tables") for name in ("one", "two"))
    assert one.keys() == two.keys()
    assert {name: one[name] for name in one if name.endswith(".csv")} == {
        name: two[name] for name in two if name.endswith(".csv")
    }


def test_a_cluster_is_joined_by_its_address_and_token(open_terminal, monkeypatch):
    terminal = open_terminal()
    tokens = [terminal.folder / name for name in ("token", "another")]
    for token, letter in zip(tokens, "ab", strict=True):
        token.write_text(64 * letter)
        token.chmod(0o600)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tokens[0]))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    head = terminal.run(
        "ray", "start", "--head", "--node-ip-address=127.0.0.1", f"--port={address[10:]}",
        "--num-cpus=2", "--include-dashboard=false", "--disable-usage-stats",
        f"--temp-dir={terminal.temporary}",
    )  # fmt: skip
    assert head.code == 0, head
    launch = (
        "study", "launch", "small", f"cluster.address={address}", "baseline.prompt=empty",
        "axes={timestep: [50]}", "data.evaluate=[pf_pascal]",
    )  # fmt: skip
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tokens[1]))
    assert terminal.run(*launch).refused(f"cluster.address={address}", "cannot reach Ray")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tokens[0]))
    ended = terminal.run(*launch)
    assert (ended.code, ended.err) == (0, "")
    assert "best by pf_pascal/val/pck@0.1" in ended.out
