"""A study whose results are in a bucket: the same bytes as in a folder, from any machine."""

import pytest

pytestmark = pytest.mark.slow


def test_a_study_in_a_bucket_is_the_study_in_a_folder(
    launched, open_terminal, ask, answers, bucket, results, machine
):
    terminal = open_terminal()
    machine("one")
    ended = terminal.run("study", "launch", "small", f"results={results}")
    assert (ended.code, ended.err) == (0, "")
    assert f"results: {results}/small" in ended.out
    place = f"{results.removeprefix(bucket.url)[1:]}/"
    kept = {name.removeprefix(place): c for name, c in bucket.files.items() if place in name}
    for name in answers(launched[0].results):
        assert kept[name] == (launched[0].results / name).read_bytes(), name
    assert not [name for name in kept if "/.launches/" in name or "running" in name]
    assert not terminal.results.exists()

    machine("two")  # which has nothing but the URL
    asked = ("table", "small", "layer", "--format", "csv", "--results")
    assert ask(terminal, *asked, results).out == ask(launched[0], *asked, "results").out
    best = ask(terminal, "best", "small", "--json", "--results", results).json
    there = ask(launched[0], "best", "small", "--json").json
    assert best["scores"] == there["scores"]
    assert ask(terminal, "status", "small", "--results", results).out.startswith(
        "study small: finished"
    )
    nope = ask(terminal, "status", "nope", "--results", results)
    assert nope.refused(f"no study in {results}/nope", "there are: small")

    machine("three")
    again = ask(terminal, "launch", "small", f"results={results}")
    assert again.code == 0
    assert "all results were already computed" in again.out
    assert {n: c for n, c in kept.items() if "/tables/" in n or "store/" in n} == {
        name.removeprefix(place): content
        for name, content in bucket.files.items()
        if place in name and ("/tables/" in name or "store/" in name)
    }
