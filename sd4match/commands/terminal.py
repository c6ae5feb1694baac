"""How both command lines end: one clear line for a person, a status for a program."""

import logging
import sys

import typer
from rich.console import Console

from sd4match.errors import SD4MatchError

INTERRUPTED = 130  # what a shell reports for Ctrl-C, and typer with it


def run(app: typer.Typer) -> None:
    """Run a command line and exit.

    A mistake of the user's is one line on standard error, and status 1, or 2 where the command line
    itself is wrong; ``--debug``, anywhere on the line, shows the traceback and log messages too. A
    bug shows its traceback as always.

    Args:
        app: the commands.
    """
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for package in ("sd4match", "study"):
        logging.getLogger(package).setLevel(logging.DEBUG if debug else logging.WARNING)
    try:
        sys.exit(app(args=arguments, standalone_mode=False))
    except typer.TyperException as refusal:
        said = refusal.format_message()
        if said.startswith("Usage:"):  # the help, for there were no arguments at all
            typer.echo(said, err=True)
        else:
            _tell(f"{' '.join(said.split()).rstrip('.')} (--help shows what there is)")
        sys.exit(refusal.exit_code)
    except Exception as error:
        line = _line(error)
        if debug or line is None:
            raise
        _tell(line)
        sys.exit(1)


def _tell(line: str) -> None:
    # soft_wrap: one line stays one line, whatever the width, so that scripts can read it.
    Console(stderr=True).print(f"error: {line}", style="red", soft_wrap=True, markup=False)


def _line(error: Exception) -> str | None:
    """What to tell a person of an error; None for a bug, which needs its traceback."""
    said = " ".join(str(error).split())
    if isinstance(error, SD4MatchError):
        return " ".join(str(error).splitlines())  # a file's name may hold any character
    # torch's by name and by text, for torch is not always there to ask.
    if type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in said:
        advice = "use smaller batches (--batch-size, --micro-batch), --checkpointing, or images"
        return f"out of memory: {advice} ({said[:150]})"
    if isinstance(error, OSError):
        return f"{said}: make room, or name another place"
    return None
