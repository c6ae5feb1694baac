"""``study stop | list | rm | gc``, as they are typed."""

import json
import shutil
import sys

import pytest

from study import cli

pytestmark = pytest.mark.slow


@pytest.fixture
def say(monkeypatch, capsys):
    """Run a command: (exit status, standard output, standard error)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["study", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return end.value.code or 0, said.out, said.err

    return run


def test_a_study_is_listed_removed_and_its_records_collected(say, answered, tmp_path, monkeypatch):
    results = tmp_path / "results"
    shutil.copytree(answered.folder.path, results / "mine")
    predicted = answered.folder.store.folder / "predict"
    keys = set(answered.index["predict"]) & {path.name for path in predicted.iterdir()}
    for key in keys:
        shutil.copytree(predicted / key, results / "store" / "predict" / key)
    here = ("--results", results)
    (listed,) = json.loads(say("list", *here, "--json")[1])
    assert (listed["study"], listed["state"]) == ("mine", "finished")
    assert "mine" in say("list", *here)[1]
    assert say("gc", *here) == (0, "nothing: all that the store holds is needed by a study\n", "")
    assert say("stop", "mine", *here)[0] == 1
    status, _, _ = say("rm", "mine", *here)  # nobody answers
    assert status == 1
    assert (results / "mine").exists()
    status, out, _ = say("rm", "mine", *here, "--yes")
    assert status == 0
    assert out.startswith(f"removed {results}/mine; `study gc` shows")
    assert not (results / "mine").exists()
    assert not list(results.glob(".removed-*"))
    found = json.loads(say("gc", *here, "--json")[1])
    assert {one["name"] for one in found["found"]} == keys
    assert list((results / "store").glob("predict/*/*"))
    assert "removed" in say("gc", *here, "--delete")[1]
    assert not list((results / "store").glob("predict/*"))
    assert say("rm", "mine", *here, "--yes")[0] == 1
