"""Calling ``sd4match`` in the test's process."""

import sys

import pytest

from sd4match import cli


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """One cache folder for all tests, which is not the user's."""
    monkeypatch.setenv("SD4MATCH_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """Run the command in an empty folder: (status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sd4match", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return (end.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def tune(call, pascal_root):
    """Tune a prompt on the small PF-Pascal, by nano at 32 pixels."""

    def run(out, *more, prompt="single"):
        where = ("--data", pascal_root, "--dataset", "pf_pascal", "--prompt", prompt)
        return call("tune", out, *where, "--backbone", "nano", "--image-size", 32, *more)

    return run


@pytest.fixture
def predicted(call, pascal_root, tmp_path):
    """The predictions of a prompt on the test split, as a file."""

    def run(*more, prompt="text"):
        out = tmp_path / "predictions.parquet"
        where = ("--data", pascal_root, "--dataset", "pf_pascal", "--prompt", prompt)
        fast = ("--backbone", "nano", "--image-size", 32, "--ensemble", 2)
        code, _, err = call("predict", out, *where, *fast, *more)
        assert (code, err) == (0, "")
        return out

    return run
