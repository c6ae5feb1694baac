"""Run a command line: print user errors as one line and set the exit status."""

import contextlib
import errno
import logging
import os
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import typer
from typer.core import TyperCommand
from typer.models import CommandFunctionType

from sd4match.commands import terminal
from sd4match.errors import SD4MatchError
from sd4match.files.atomic import UNWRITABLE
from sd4match.files.cache import cache_folder
from sd4match.files.masking import masked

INTERRUPTED = 130  # what a shell reports for Ctrl-C, and typer with it


class CommandLine(typer.Typer):
    """Commands that take an option once, unless it is repeatable: no value is lost silently."""

    def command(
        self, *args: Any, **settings: Any
    ) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """As of typer."""
        return super().command(*args, cls=_Command, **settings)


class _Command(TyperCommand):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As of typer, but an option that is given twice is refused: the last value would win."""
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for option, count in Counter(given).items():
            if count > 1 and not option.multiple:
                name = repr(option.opts[0])
                raise typer.BadParameter(f"given {count} times: give it once", ctx, None, name)
        return super().parse_args(ctx, args)


def run(app: typer.Typer) -> None:
    """Run a command line and exit.

    A user's mistake becomes one line on standard error. The status is then 1, or 2 if the command
    line itself is wrong. ``--debug``, anywhere on the line, also shows the traceback and log
    messages. A bug always shows its traceback. A reader that closes the pipe ends the command
    without a word. Characters that the output's encoding lacks are replaced.

    Args:
        app: the commands.
    """
    terminal.adapt()
    try:
        _run(app)
    except OSError as error:
        if error.errno != errno.EPIPE:
            raise
        sys.exit(1)
    finally:
        note = terminal.lost()
        if note and sys.stderr:
            with contextlib.suppress(OSError):  # nobody reads it
                typer.echo(note, err=True)
        _flush(sys.stdout)
        _flush(sys.stderr)


def _run(app: typer.Typer) -> None:
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    logging.basicConfig(level=logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Masking("%(levelname)s %(name)s: %(message)s"))
    # Without a home folder it works in a temporary one.
    logging.getLogger("matplotlib").addFilter(
        lambda record: "/matplotlib" not in record.getMessage()
    )
    for package in ("sd4match", "study"):
        logging.getLogger(package).setLevel(logging.DEBUG if debug else logging.WARNING)
    sys.excepthook = _print_traceback
    try:
        _require_working_folder()
        sys.exit(app(args=arguments, standalone_mode=False))
    except typer.TyperException as refusal:
        message = refusal.format_message()
        if message.startswith("Usage:"):  # the help page: there were no arguments at all
            typer.echo(message, err=True)
        else:
            _print_error(f"{' '.join(message.split()).rstrip('.')} (--help shows all options)")
        sys.exit(refusal.exit_code)
    except Exception as error:
        line = _message(error)
        if debug or line is None:
            raise
        _print_error(line)
        sys.exit(1)


class Masking(logging.Formatter):
    """Log lines without passwords and tokens."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        return masked(super().format(record))


def _require_working_folder() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise SD4MatchError(
            f"the working folder is gone ({error.strerror}): change to one that exists (cd)"
        ) from error


def _print_traceback(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    sys.stderr.write(masked("".join(traceback.format_exception(kind, error, trace))))


def _print_error(line: str) -> None:
    from rich.console import Console  # takes as long as all the rest of a help page

    # soft_wrap: one line stays one line at any width, so that scripts can read it.
    Console(stderr=True).print(f"error: {masked(line)}", style="red", soft_wrap=True, markup=False)


def _message(error: Exception) -> str | None:
    """The line to print for an error; None for a bug, which needs its traceback."""
    text = " ".join(str(error).split())
    if isinstance(error, SD4MatchError):
        # A file's name may hold any character.
        return " ".join(str(error).splitlines()) + _variable(text)
    # torch's error by name and by text: torch may not be imported.
    if type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in text:
        advice = "use smaller batches (--batch-size, --micro-batch), --checkpointing, or images"
        return f"out of memory: {advice} ({text[:150]})"
    if isinstance(error, RuntimeError) and "home directory" in text:  # of `Path.expanduser`
        return "a path with ~, or Ray, needs a home folder, and this user has none: set HOME"
    if isinstance(error, OSError) and error.errno != errno.EPIPE:
        return f"{text}: {_advice(error)}"
    return None


def _variable(text: str) -> str:
    """Which variable names another folder, if a message is about a folder that has one."""
    if "determine home directory" in text:
        return ": set HOME, or HF_HOME for the files of the hub"
    refused = any(os.strerror(number) in text for number in UNWRITABLE)
    if refused and f"{os.sep}huggingface{os.sep}" in text:
        return ": HF_HOME names another folder for the files of the hub"
    with contextlib.suppress(SD4MatchError):  # there is none
        if refused and f"{cache_folder()}{os.sep}" in text:
            return ": SD4MATCH_CACHE names another cache folder"
    return ""


def _advice(error: OSError) -> str:
    """What to do about a file that cannot be used."""
    try:
        temporary = tempfile.gettempdir()
    except FileNotFoundError:  # no folder for temporary files can be written to
        return "set TMPDIR to a folder with room that you can write to"
    if str(error.filename or "").startswith(f"{temporary}{os.sep}"):
        return "make room, or set TMPDIR to another folder that you can write to"
    return "make room, or name another place"


def _flush(stream: TextIO | None) -> None:
    """Let nothing that is left in a stream fail when Python ends: the error was shown."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
