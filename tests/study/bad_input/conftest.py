"""The commands in this process: a second each would be hours."""

import sys
from dataclasses import dataclass

import pytest

from .world import build


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A project that nobody may change."""
    made = tmp_path_factory.mktemp("world") / "made"
    build(made)
    return made


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch, capsys):
    """Run ``study …`` or ``sd4match …`` in a folder."""
    import sd4match.cli
    import study.cli

    programs = {"study": study.cli.main, "sd4match": sd4match.cli.main}

    def run(folder, program, *arguments):
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", [program, *arguments])
        with pytest.raises(SystemExit) as end:
            programs[program]()
        said = capsys.readouterr()
        return Ended(end.value.code or 0, said.out, said.err)

    return run
