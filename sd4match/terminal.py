"""How both command lines end: one clear line for a person, a status for a program."""

import logging
import sys

import typer
from rich.console import Console

from sd4match.errors import SD4MatchError

INTERRUPTED = 130  # what a shell reports for Ctrl-C


def run(app: typer.Typer) -> None:
    """Run a command line and exit.

    A mistake of the user's is one line on standard error and status 1; ``--debug``, anywhere on
    the line, shows the traceback and log messages too. A bug shows its traceback as always.

    Args:
        app: the commands.
    """
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for package in ("sd4match", "study"):
        logging.getLogger(package).setLevel(logging.DEBUG if debug else logging.WARNING)
    try:
        app(args=arguments)
    except SD4MatchError as error:
        if debug:
            raise
        # soft_wrap: one line stays one line, whatever the width, so that scripts can read it.
        Console(stderr=True).print(f"error: {error}", style="red", soft_wrap=True, markup=False)
        sys.exit(1)
    except Exception as error:
        # By name, for torch is not always there to ask.
        if debug or type(error).__name__ != "OutOfMemoryError":
            raise
        reason = " ".join(str(error).split())[:150]
        advice = "use smaller batches (--batch-size, --micro-batch), --checkpointing, or images"
        Console(stderr=True).print(
            f"error: the device is out of memory: {advice} ({reason})",
            style="red",
            soft_wrap=True,
            markup=False,
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
