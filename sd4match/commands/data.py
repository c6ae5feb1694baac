"""``sd4match data``: generate, download and verify data sets."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sd4match.commands.program import CommandLine
from sd4match.files.strict_json import dumps

if TYPE_CHECKING:
    from sd4match.datasets.verification import Report

app = CommandLine(no_args_is_help=True, help="Generate, download and verify data sets.")

_MOST_LISTED = 20

Name = Annotated[str, typer.Argument(help="pf_pascal, pf_willow or spair")]
AnyName = Annotated[
    str, typer.Argument(help="pf_pascal, pf_willow, spair, or a data set that you registered")
]
Root = Annotated[Path, typer.Argument(help="the folder that holds the data sets")]


@app.command()
def shapes(
    out: Annotated[Path, typer.Argument(help="folder to write; it will hold the three data sets")],
    seed: Annotated[int, typer.Option(help="seed of the drawings")] = 0,
    scale: Annotated[
        float, typer.Option(help="factor on the images per category; 0.1 is enough for a first try")
    ] = 1.0,
) -> None:
    """Draw the "shapes" benchmark: PF-Pascal, PF-Willow and SPair-71k trees of generated images.

    A folder that already holds the benchmark is not changed.

    Example: sd4match data shapes data/shapes
    """
    from sd4match.testbed.shapes.generator import generate

    generate(out, seed=seed, scale=scale)
    typer.echo(f"shapes benchmark (seed {seed}, scale {scale:g}): {out}")


@app.command()
def download(
    name: Name,
    root: Root = Path("data"),
    mirror: Annotated[
        str | None, typer.Option(help="URL of a folder that holds the files under their own names")
    ] = None,
    sha256: Annotated[
        str | None,
        typer.Option(help="expected SHA-256 of the archive, if it differs from the known one"),
    ] = None,
) -> None:
    """Download a benchmark and its pair lists from their authors' sites.

    Run the command again to resume an interrupted download. Existing files are not changed.

    Example: sd4match data download pf_willow data
    """
    from sd4match.datasets.benchmarks import FOLDERS
    from sd4match.datasets.downloading import download as fetch

    with _bars(of_bytes=True) as progress:
        fetched = fetch(name, root, mirror=mirror, sha256=sha256, progress=progress)
    state = "is complete" if fetched else "was already complete"
    typer.echo(f"{root / FOLDERS[name]} {state}; `sd4match data verify {name} {root}` checks it")


@app.command()
def verify(
    name: AnyName,
    root: Root = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Verify a data set: published counts, every annotation, every image.

    The exit status is 1 if there are problems.

    Example: sd4match data verify pf_willow data
    """
    from sd4match.datasets.verification import verify as check

    with _bars(of_bytes=False) as progress:
        report = check(name, root, progress=progress)
    typer.echo(dumps(asdict(report)) if as_json else _text(report))
    if report.problems:
        raise typer.Exit(1)


def _text(report: "Report") -> str:
    from tabulate import tabulate

    head = [
        "split", "pairs", "expected", "readable", "keypoints", "outside the image", "boxes outside",
    ]  # fmt: skip
    rows = [[split, *map("{:,}".format, asdict(s).values())] for split, s in report.splits.items()]
    align = ["left"] + ["right"] * (len(head) - 1)
    kind = " (generated shapes)" if report.generated else ""
    lines = [
        f"{report.dataset}{kind}: {report.folder}",
        "",
        tabulate(rows, headers=head, colalign=align, disable_numparse=True),
        "",
        f"{report.images:,} images, {report.categories} categories",
        *_listed(report.notices),
        *_listed(report.problems),
    ]
    if report.notices:
        lines.append(f"{len(report.notices):,} images to look at")
    lines.append(f"{len(report.problems):,} problems" if report.problems else "no problem found")
    return "\n".join(lines)


def _listed(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST_LISTED
    return [*lines[:_MOST_LISTED], *([f"… and {more:,} more"] if more > 0 else [])]


@contextmanager
def _bars(*, of_bytes: bool) -> Iterator[Callable[[str, int, int | None], None]]:
    """Progress bars on standard error, one for each name; none without a terminal."""
    from rich import progress as rich
    from rich.console import Console

    console = Console(stderr=True)
    count = (
        [rich.DownloadColumn(), rich.TransferSpeedColumn()]
        if of_bytes
        else [rich.MofNCompleteColumn()]
    )
    with rich.Progress(
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        *count,
        rich.TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bars:
        tasks: dict[str, rich.TaskID] = {}

        def show(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield show
