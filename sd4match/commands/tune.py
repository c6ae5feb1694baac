"""``sd4match tune``: learn one prompt."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sd4match.commands import options
from sd4match.commands.program import INTERRUPTED
from sd4match.errors import SD4MatchError, require_known
from sd4match.tuning.recipe import SCHEDULES, TuningSettings, paper_steps

if TYPE_CHECKING:
    from sd4match.tuning.tuning import Tuning

PAPER = TuningSettings(steps=1)
RECENT = 50  # steps whose mean loss is shown: each step has other noise


def tune(
    out: Annotated[
        Path, typer.Argument(help="folder for the prompt, its curves and its checkpoint")
    ],
    data: options.Data,
    dataset: options.Dataset,
    prompt: Annotated[
        str,
        typer.Option(
            help="single, class, cpm, single_hidden, class_hidden, or the paper's name of a cpm "
            "prompt, such as Pair-DINO-Feat-G25-C50"
        ),
    ],
    length: Annotated[
        int | None, typer.Option(help="learned tokens of single and class, 1 to 75; default: 75")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="number of steps; default: the paper's, 29,635 on spair, 29,430 on pf_pascal"
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="passes over the training pairs, instead of --steps")
    ] = None,
    timestep: options.Timestep = PAPER.timestep,
    layer: options.Layer = PAPER.layer,
    learning_rate: Annotated[
        float, typer.Option(help="learning rate of Adam")
    ] = PAPER.learning_rate,
    schedule: Annotated[
        str, typer.Option(help=f"of the learning rate: {', '.join(SCHEDULES)}")
    ] = PAPER.schedule,
    warmup_steps: Annotated[
        int, typer.Option(help="steps in which the learning rate rises from 0")
    ] = PAPER.warmup_steps,
    step_rules: Annotated[
        str | None,
        typer.Option(
            help="of piecewise_constant: factors with the steps at which they end, and a last "
            "factor, such as 1:10000,0.1"
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="pairs per step")] = PAPER.batch_size,
    kernel_size: Annotated[
        int, typer.Option(help="kernel of the loss, in cells, odd")
    ] = PAPER.kernel_size,
    fusion: Annotated[
        bool, typer.Option("--fusion", help="learn on features joined with DINO's")
    ] = False,
    l2_normalize: options.L2Normalize = True,
    micro_batch: Annotated[
        int | None, typer.Option(help="pairs at once, for less memory; may change when resuming")
    ] = None,
    checkpointing: Annotated[
        bool,
        typer.Option(
            "--checkpointing", help="less memory, a third more time; may change when resuming"
        ),
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

    Ctrl-C stops after the current step. Run the same command again to resume.

    Example: sd4match tune runs/single --data data --dataset spair --prompt single
    """
    from sd4match.datasets.benchmarks import SPLITS

    trainable = [name for name, splits in SPLITS.items() if "train" in splits]
    require_known(dataset, trainable, what="data set with a training split")
    if epochs is None and steps is None:
        steps = paper_steps(dataset)
    settings = TuningSettings(
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        schedule=schedule,
        warmup_steps=warmup_steps,
        step_rules=step_rules,
        timestep=timestep,
        layer=layer,
        kernel_size=kernel_size,
        fusion=fusion,
        l2_normalize=l2_normalize,
        image_size=image_size,
        seed=seed,
        micro_batch=micro_batch,
        checkpointing=checkpointing,
    )
    train = options.open_pairs(dataset, data, "train", pairs)
    val = options.open_pairs(dataset, data, "val", pairs, among=train.categories)

    from sd4match.prompts import families
    from sd4match.prompts.family_facts import parse
    from sd4match.tuning import folder
    from sd4match.tuning.tuning import Tuning

    family = families.find("cpm" if parse(prompt) else prompt)
    if length is not None and "length" not in family.options:
        raise SD4MatchError(
            f"--length belongs to single and class prompts, not to {prompt}: leave it out (a cpm "
            "prompt's name holds its lengths, such as Pair-DINO-Feat-G25-C50)"
        )
    model = options.load_backbone(
        backbone, revision=revision, image_encoders=image_encoder, device=device, dtype=dtype
    )
    start = families.create(
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
        typer.echo(f"resumes after step {tuning.step} of {tuning.total_steps}", err=True)
    _run(tuning, out)
    if not tuning.finished:
        typer.echo(
            f"stopped after step {tuning.step} of {tuning.total_steps}: "
            "run the same command again to resume",
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
            note = f"{_note(tuning)}, validation {done}/{total}"
            progress.at(tuning.step, tuning.total_steps, note)

        for row in run_in_folder(tuning, out, stop=stop, on_step=on_step, on_pair=on_pair):
            note = f"epoch {row['epoch']}, {_note(tuning)}"
            progress.at(tuning.step, tuning.total_steps, note, line=True)


def _note(tuning: "Tuning") -> str:
    """Loss of the last steps and PCK of the last epoch, if there are any yet."""
    recent = tuning.losses[-RECENT:]
    parts = [f"loss {sum(recent) / len(recent):.3f}"] if recent else []
    if tuning.curves:
        scores = [100 * row["val_pck"] for row in tuning.curves]
        parts.append(f"PCK@0.1 {scores[-1]:.1f} (best {max(scores):.1f})")
    return ", ".join(parts)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether Ctrl-C was pressed; a second Ctrl-C stops at once."""
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True
        signal.signal(signal.SIGINT, before)
        # Not through Python's buffers: the signal may come while they are being written.
        os.write(2, b"stopping after this step; press Ctrl-C again to stop at once\n")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield lambda: stopping
    finally:
        signal.signal(signal.SIGINT, before)
