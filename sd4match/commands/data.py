"""``sd4match data``: make, fetch and check data sets."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sd4match.datasets.verification import Report

app = typer.Typer(no_args_is_help=True, help="Make, fetch and check data sets.")

_MOST_LISTED = 20

Name = Annotated[str, typer.Argument(help="pf_pascal, pf_willow or spair")]
Root = Annotated[Path, typer.Argument(help="the folder that holds the data sets")]


@app.command()
def shapes(
    out: Annotated[Path, typer.Argument(help="folder to make; holds the three data sets")],
    seed: Annotated[int, typer.Option(help="another seed draws another benchmark")] = 0,
    scale: Annotated[
        float, typer.Option(help="images a category, as a factor: 0.1 is for trying out")
    ] = 1.0,
) -> None:
    """Draw the "shapes" benchmark: PF-Pascal, PF-Willow and SPair-71k trees of generated images.

    A folder that already holds it is left as it is.

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
        str | None, typer.Option(help="an address below which the files are, under their own names")
    ] = None,
    sha256: Annotated[
        str | None, typer.Option(help="the archive's SHA-256, to check it or to accept another one")
    ] = None,
) -> None:
    """Fetch a benchmark and its pair lists from their authors' sites.

    Run it again to go on with a broken download. What is there already is left as it is.

    Example: sd4match data download pf_willow data
    """
    from sd4match.datasets.benchmarks import FOLDERS
    from sd4match.datasets.downloading import download as fetch

    with _bars(of_bytes=True) as progress:
        fetched = fetch(name, root, mirror=mirror, sha256=sha256, progress=progress)
    state = "is complete now" if fetched else "was complete already"
    typer.echo(f"{root / FOLDERS[name]} {state}; `sd4match data verify {name} {root}` checks it")


@app.command()
def verify(
    name: Name,
    root: Root = Path("data"),
    as_json: Annotated[
        bool, typer.Option("--json", help="for programs: JSON on standard output")
    ] = False,
) -> None:
    """Check a benchmark: published counts, every annotation, every image. Status 1 if it is broken.

    Example: sd4match data verify pf_willow data
    """
    from sd4match.datasets.verification import verify as check

    with _bars(of_bytes=False) as progress:
        report = check(name, root, progress=progress)
    typer.echo(json.dumps(asdict(report), indent=2) if as_json else _in_words(report))
    if report.problems:
        raise typer.Exit(1)


def _in_words(report: "Report") -> str:
    from tabulate import tabulate

    head = ["split", "pairs", "expected", "readable", "keypoints", "outside the image"]
    rows = [[split, *map("{:,}".format, asdict(s).values())] for split, s in report.splits.items()]
    align = ["left"] + ["right"] * (len(head) - 1)
    kind = " (generated shapes)" if report.generated else ""
    lines = [
        f"{report.dataset}{kind}: {report.folder}",
        "",
        tabulate(rows, headers=head, colalign=align, disable_numparse=True),
        "",
        f"{report.images:,} images, {report.categories} categories",
        *report.problems[:_MOST_LISTED],
    ]
    if len(report.problems) > _MOST_LISTED:
        lines.append(f"… and {len(report.problems) - _MOST_LISTED:,} more")
    lines.append(f"{len(report.problems):,} problems" if report.problems else "no problem found")
    return "\n".join(lines)


@contextmanager
def _bars(*, of_bytes: bool) -> Iterator[Callable[[str, int, int | None], None]]:
    """Progress bars on a terminal's standard error; each name that is called gets one."""
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
