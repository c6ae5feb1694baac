"""The ``sd4match`` command: data sets, without Ray."""

from pathlib import Path
from typing import Annotated

import typer

from sd4match.terminal import run

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Semantic correspondence with prompted diffusion features. --debug shows tracebacks.",
)
data = typer.Typer(no_args_is_help=True, help="Make and check data sets.")
app.add_typer(data, name="data")


@app.callback()
def _root() -> None:
    """Keep sub-commands even while there is only one group of them."""


@data.command()
def shapes(
    out: Annotated[Path, typer.Argument(help="folder to make; holds the three data sets")],
    seed: Annotated[int, typer.Option(help="another seed draws another benchmark")] = 0,
) -> None:
    """Draw the "shapes" benchmark: PF-Pascal, PF-Willow and SPair-71k trees of generated images.

    A folder that already holds it is left as it is.

    Example: sd4match data shapes data/shapes
    """
    from sd4match.datasets.shapes import generate

    generate(out, seed=seed)
    typer.echo(f"shapes benchmark (seed {seed}): {out}")


def main() -> None:
    """Entry point of the ``sd4match`` command."""
    run(app)
