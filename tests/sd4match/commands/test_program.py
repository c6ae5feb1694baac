"""Command lines: what every command has in common."""

import errno
import os
import sys

import pytest
import typer

from sd4match import cli as matching
from sd4match.commands.program import CommandLine, run
from sd4match.errors import SD4MatchError
from study import cli as studies


def commands(command):
    """All commands below one, and itself."""
    yield command
    for each in getattr(command, "commands", {}).values():
        yield from commands(each)


EVERY = [
    each
    for app in (matching.app, studies.app)
    for each in commands(typer.main.get_command(app))
    if not hasattr(each, "commands")
]
ONCE = [
    (each, option.opts[0], [] if option.is_flag else ["1"])
    for each in EVERY
    for option in each.params
    if option.opts[0].startswith("--") and not option.multiple
]


def test_an_option_that_is_given_twice_is_refused_by_every_command():
    assert len(EVERY) > 20
    assert len(ONCE) > 150
    for command, option, value in ONCE:
        with pytest.raises(typer.BadParameter, match="given 2 times: give it once"):
            command.make_context("it", [option, *value, option, *value])


def test_a_flag_and_its_opposite_are_refused(call):
    code, out, err = call("score", "p.parquet", "--strict", "--no-strict")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "'--strict': given 2 times" in err


def test_a_repeatable_option_is_taken_as_often_as_it_is_given():
    (command,) = [each for each in EVERY if each.name == "score"]
    given = command.make_context("it", ["p.parquet", "--alpha", "0.1", "--alpha", "0.2"])
    assert given.params["alpha"] == [0.1, 0.2]


FULL = os.strerror(errno.ENOSPC)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (SD4MatchError(f"/caches/mine/latents/a: cannot be written ({FULL})"), "SD4MATCH_CACHE"),
        (SD4MatchError(f"/home/me/.cache/huggingface/hub/a: ({FULL})"), "HF_HOME names another"),
        (SD4MatchError("Could not determine home directory"), "set HOME, or HF_HOME"),
        (RuntimeError("Could not determine home directory."), "this user has none: set HOME"),
        (OSError(errno.ENOSPC, FULL, "/temporary/a"), "set TMPDIR to another folder"),
        (OSError(errno.ENOSPC, FULL, "/elsewhere/a"), "make room, or name another place"),
    ],
)
def test_a_message_names_the_variable_to_set(monkeypatch, capsys, error, says):
    app = CommandLine()

    @app.command()
    def fail():
        raise error

    monkeypatch.setenv("SD4MATCH_CACHE", "/caches/mine")
    monkeypatch.setattr("tempfile.tempdir", "/temporary")
    monkeypatch.setattr(sys, "argv", ["it"])
    with pytest.raises(SystemExit) as end:
        run(app)
    err = capsys.readouterr().err
    assert (end.value.code, err.count("\n")) == (1, 1)
    assert says in err
