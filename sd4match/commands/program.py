"""Run a command line: print user errors as one line and set the exit status."""

import logging
import sys

import typer

from sd4match.errors import SD4MatchError

INTERRUPTED = 130  # what a shell reports for Ctrl-C, and typer with it


def run(app: typer.Typer) -> None:
    """Run a command line and exit.

    A user's mistake becomes one line on standard error. The status is then 1, or 2 if the command
    line itself is wrong. ``--debug``, anywhere on the line, also shows the traceback and log
    messages. A bug always shows its traceback.

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


def _print_error(line: str) -> None:
    from rich.console import Console  # takes as long as all the rest of a help page

    # soft_wrap: one line stays one line at any width, so that scripts can read it.
    Console(stderr=True).print(f"error: {line}", style="red", soft_wrap=True, markup=False)


def _message(error: Exception) -> str | None:
    """The line to print for an error; None for a bug, which needs its traceback."""
    text = " ".join(str(error).split())
    if isinstance(error, SD4MatchError):
        return " ".join(str(error).splitlines())  # a file's name may hold any character
    # torch's error by name and by text: torch may not be imported.
    if type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in text:
        advice = "use smaller batches (--batch-size, --micro-batch), --checkpointing, or images"
        return f"out of memory: {advice} ({text[:150]})"
    if isinstance(error, OSError):
        return f"{text}: make room, or name another place"
    return None
