"""The ``study`` command line: its commands and their order in the help."""

from sd4match.commands.program import CommandLine, run
from study.commands.ask import best, compare, export, query, verify
from study.commands.manage import gc, list_studies, rm, stop
from study.commands.run import launch, plan, status
from study.commands.show import plot, report, table

app = CommandLine(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Ablation studies of prompted Stable Diffusion features. --debug shows tracebacks.",
)
for command in (plan, launch, status, best, query, compare, table, plot, report, export, verify):
    app.command()(command)
app.command()(stop)
app.command("list")(list_studies)
app.command()(rm)
app.command()(gc)


def main() -> None:
    """Entry point of the ``study`` command."""
    run(app)
