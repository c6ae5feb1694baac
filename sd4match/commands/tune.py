"""``sd4match tune``: learn one prompt."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sd4match.commands import options
from sd4match.commands.terminal import INTERRUPTED
from sd4match.errors import SD4MatchError, require_known
from sd4match.tuning.recipe import TuningSettings

if TYPE_CHECKING:
    from sd4match.commands.progress import Progress
    from sd4match.tuning.tuning import Tuning

PAPER_EPOCHS = {"pf_pascal": 90, "spair": 5}  # docs/explanation/method.md section 1
PAPER = TuningSettings(epochs=1)
RECENT = 50  # steps whose mean loss is shown: each has other noise


def tune(
    out: Annotated[Path, typer.Argument(help="folder for the prompt, its curves, its checkpoint")],
    data: options.Data,
    dataset: options.Dataset,
    prompt: Annotated[
        str,
        typer.Option(
            help="single, class, cpm, single_hidden, class_hidden, or a cpm prompt by the paper's "
            "name, such as Pair-DINO-Feat-G25-C50"
        ),
    ],
    length: Annotated[
        int | None, typer.Option(help="learned tokens of single and class, 1 to 75; 75 if none")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="the paper's if none: 5 on spair, 90 on pf_pascal")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="count steps rather than epochs")] = None,
    timestep: Annotated[int, typer.Option(help="of the noise, 0 to 999")] = PAPER.timestep,
    layer: Annotated[int, typer.Option(help="UNet layer, 0 to 3")] = PAPER.layer,
    learning_rate: Annotated[float, typer.Option(help="of Adam")] = PAPER.learning_rate,
    batch_size: Annotated[int, typer.Option(help="pairs a step")] = PAPER.batch_size,
    kernel_size: Annotated[
        int, typer.Option(help="of the loss, in cells, odd")
    ] = PAPER.kernel_size,
    micro_batch: Annotated[
        int | None, typer.Option(help="pairs at once, for less memory; may change on the way")
    ] = None,
    checkpointing: Annotated[
        bool, typer.Option("--checkpointing", help="less memory for a third more time; likewise")
    ] = False,
    seed: options.Seed = 0,
    image_size: options.ImageSize = None,
    pairs: options.Pairs = None,
    backbone: options.BackboneName = options.DEFAULT_BACKBONE,
    revision: options.Revision = None,
    image_encoder: options.ImageEncoders = None,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
) -> None:
    """Learn a prompt on a training split, and keep the best epoch by validation PCK@0.1.

    Ctrl-C ends it after the running step. The same command again goes on from there.

    Example: sd4match tune runs/single --data data --dataset spair --prompt single
    """
    if epochs is None and steps is None:
        epochs = PAPER_EPOCHS.get(dataset, 1)
    settings = TuningSettings(
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        timestep=timestep,
        layer=layer,
        kernel_size=kernel_size,
        image_size=image_size,
        seed=seed,
        micro_batch=micro_batch,
        checkpointing=checkpointing,
    )
    require_known(dataset, PAPER_EPOCHS, what="data set with a training split")
    train = options.open_pairs(dataset, data, "train", pairs)
    val = options.open_pairs(dataset, data, "val", pairs, among=train.categories)

    from sd4match import prompts
    from sd4match.prompts.known import parse
    from sd4match.tuning import folder
    from sd4match.tuning.tuning import Tuning

    family = prompts.find("cpm" if parse(prompt) else prompt)
    if length is not None and "length" not in family.options:
        raise SD4MatchError(
            f"--length is of single and class prompts, not of {prompt}: leave it out (a cpm "
            "prompt's own are in its name, such as Pair-DINO-Feat-G25-C50)"
        )
    model = options.load_backbone(
        backbone, revision=revision, image_encoders=image_encoder, device=device, dtype=dtype
    )
    start = prompts.create(
        prompt,
        model,
        seed=seed,
        length=length,
        categories=train.categories if "categories" in family.options else None,
    )
    latents, contents = options.caches(model, image_size)
    tuning = Tuning(model, start, train, val, settings, latents=latents, contents=contents)
    resumed = folder.resume(tuning, out / folder.CHECKPOINT)
    if resumed and not tuning.finished:
        typer.echo(f"goes on after step {tuning.step} of {tuning.total_steps}", err=True)
    _run(tuning, out)
    if not tuning.finished:
        typer.echo(
            f"stopped after step {tuning.step} of {tuning.total_steps}: "
            "the same command again goes on from there",
            err=True,
        )
        raise typer.Exit(INTERRUPTED)
    best = max(row["val_pck"] for row in tuning.curves)
    typer.echo(f"{out / folder.PROMPT}: finished, PCK@0.1 {100 * best:.1f} on {dataset} val")


def _run(tuning: "Tuning", out: Path) -> None:
    from sd4match.commands.progress import Progress
    from sd4match.tuning.folder import run_in_folder

    title = f"tune {tuning.prompt.family}"
    with _interruptible() as stop, Progress(title, "steps", start=tuning.step) as progress:

        def on_step(step: int, loss: float) -> None:
            progress.at(step, tuning.total_steps, _note(tuning))

        def on_pair(done: int, total: int) -> None:
            note = f"{_note(tuning)}, validates {done}/{total}"
            progress.at(tuning.step, tuning.total_steps, note)

        for row in run_in_folder(tuning, out, stop=stop, on_step=on_step, on_pair=on_pair):
            _tell(progress, tuning, row)


def _tell(progress: "Progress", tuning: "Tuning", row: dict[str, Any]) -> None:
    note = f"epoch {row['epoch']}, {_note(tuning)}"
    progress.at(tuning.step, tuning.total_steps, note, line=True)


def _note(tuning: "Tuning") -> str:
    """Loss of the last steps and PCK of the last epoch, as far as there are any."""
    recent = tuning.losses[-RECENT:]
    parts = [f"loss {sum(recent) / len(recent):.3f}"] if recent else []
    if tuning.curves:
        scores = [100 * row["val_pck"] for row in tuning.curves]
        parts.append(f"PCK@0.1 {scores[-1]:.1f} (best {max(scores):.1f})")
    return ", ".join(parts)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Yield what tells whether Ctrl-C was pressed; pressed once more, it ends at once."""
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, before)
        # Not through Python's buffers, in the middle of whose work a signal may come.
        os.write(2, b"stops after this step; Ctrl-C once more stops at once\n")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
