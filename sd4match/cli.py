"""The ``sd4match`` command: data sets, prompts, matching, pictures. Does not load Ray.

Slow imports are inside the commands, so that help pages appear at once.
"""

from sd4match.commands import data, prompts, show
from sd4match.commands.match import match
from sd4match.commands.predict import predict
from sd4match.commands.program import CommandLine, run
from sd4match.commands.score import score
from sd4match.commands.tune import tune

app = CommandLine(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Semantic correspondence with prompted diffusion features. --debug shows tracebacks.",
)
app.add_typer(data.app, name="data")
app.add_typer(prompts.app, name="prompts")
app.add_typer(show.app, name="show")
for command in (match, tune, predict, score):
    app.command()(command)


def main() -> None:
    """Entry point of the ``sd4match`` command."""
    run(app)
