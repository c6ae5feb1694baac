"""The folder of a tuning: checkpoints to resume from, the best prompt so far, the curves.

It holds::

    prompt.safetensors    the prompt after the best epoch so far
    last.pt               the state to resume from, at the last saved step
    curves.parquet        loss and validation PCK, one row per epoch
    losses.parquet        one row per step
    tensorboard/          the same as TensorBoard's scalars train/loss and val/pck
"""

import fcntl
import io
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from tensorboardX import SummaryWriter

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path, require_writable
from sd4match.prompts import files
from sd4match.records.parquet import write
from sd4match.tuning.tuning import Tuning

PROMPT, CHECKPOINT = "prompt.safetensors", "last.pt"
CURVES, LOSSES, BOARD = "curves.parquet", "losses.parquet", "tensorboard"

SAVE_EVERY = 300.0
"""Seconds between checkpoints within an epoch: a killed process loses at most this much."""


class _Stop(Exception):  # noqa: N818 (not an error)
    """Leaves an epoch between two steps."""


def resume(tuning: Tuning, checkpoint: Path) -> bool:
    """Resume from a checkpoint if there is one.

    Args:
        tuning: a tuning with the same settings, changed in place.
        checkpoint: a file that `run` wrote.

    Returns:
        Whether there is one.

    Raises:
        SD4MatchError: it is damaged, or of another tuning.
    """
    if not checkpoint.exists():
        return False
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            if broken := archive.testzip():  # torch does not look at checksums
                raise zipfile.BadZipFile(broken)
        tuning.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    except SD4MatchError as error:
        raise SD4MatchError(f"{checkpoint}: {error}") from None
    except Exception as error:  # torch raises errors of many kinds on other files
        raise SD4MatchError(
            f"{checkpoint}: damaged, or not a checkpoint of a tuning ({type(error).__name__}): "
            "remove it to start again"
        ) from error
    return True


def run(
    tuning: Tuning,
    checkpoint: Path,
    *,
    stop: Callable[[], bool] = lambda: False,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
    on_pair: Callable[[int, int], None] = lambda done, total: None,
    before_save: Callable[[], None] = lambda: None,
    save_every: float = SAVE_EVERY,
) -> Iterator[dict[str, Any]]:
    """Tune to the end, starting from the checkpoint if there is one.

    The checkpoint is written after each epoch, every few minutes and on a stop. A later run
    resumes there: the result is that of a run without a stop (see `Tuning`).

    Args:
        tuning: the tuning; afterwards ``tuning.finished`` is False if it was stopped.
        checkpoint: the file to resume from and to write.
        stop: called after each step and each validation pair; True ends the iteration.
        on_step, on_pair: as for `Tuning.run_epoch`.
        before_save: called before each checkpoint, to write files that must be at least as new.
        save_every: seconds between checkpoints.

    Yields:
        The row of ``tuning.curves`` of each epoch, once it is saved.

    Raises:
        SD4MatchError: as `resume` and `Tuning.run_epoch`.
    """
    if not tuning.step:
        resume(tuning, checkpoint)
    saved = time.monotonic()

    def save() -> None:
        nonlocal saved
        before_save()
        content = io.BytesIO()  # torch's own writer hides the error of the disk
        torch.save(tuning.state_dict(), content)
        with atomic_path(checkpoint) as temporary:
            temporary.write_bytes(content.getbuffer())
        saved = time.monotonic()

    def after_step(step: int, loss: float) -> None:
        on_step(step, loss)
        if stop():
            raise _Stop
        if time.monotonic() - saved >= save_every:
            save()

    def after_pair(done: int, total: int) -> None:
        on_pair(done, total)
        if stop():
            raise _Stop

    while not (tuning.finished or stop()):
        try:
            row = tuning.run_epoch(on_step=after_step, on_pair=after_pair)
        except _Stop:
            save()
            return
        save()
        yield row


def run_in_folder(
    tuning: Tuning,
    folder: Path,
    *,
    stop: Callable[[], bool] = lambda: False,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
    on_pair: Callable[[int, int], None] = lambda done, total: None,
    save_every: float = SAVE_EVERY,
) -> Iterator[dict[str, Any]]:
    """Tune to the end, resuming from the folder, and keep all its files up to date.

    Args:
        tuning, stop, on_step, on_pair, save_every: as for `run`.
        folder: the folder; created if missing.

    Yields:
        The row of ``tuning.curves`` of each epoch, once everything is written.

    Raises:
        SD4MatchError: as `run`, another process tunes in this folder, or it cannot be written.
    """
    require_writable(folder / CHECKPOINT)
    with _locked(folder):
        yield from _run_in_folder(tuning, folder, stop, on_step, on_pair, save_every)


def _run_in_folder(
    tuning: Tuning,
    folder: Path,
    stop: Callable[[], bool],
    on_step: Callable[[int, float], None],
    on_pair: Callable[[int, int], None],
    save_every: float,
) -> Iterator[dict[str, Any]]:
    if not tuning.step:
        resume(tuning, folder / CHECKPOINT)
    if tuning.finished:
        _write(tuning, folder)
        return
    logged = len(tuning.curves)
    # Steps after the checkpoint are logged again: TensorBoard hides the old entries. The suffix
    # keeps a run that starts within the same second from overwriting the last one.
    with SummaryWriter(
        str(folder / BOARD), purge_step=tuning.step + 1, filename_suffix=f".{tuning.step:08}"
    ) as board:

        def log_step(step: int, loss: float) -> None:
            board.add_scalar("train/loss", loss, step)
            on_step(step, loss)

        def write_all() -> None:
            nonlocal logged
            for row in tuning.curves[logged:]:
                if row["val_pck"] is not None:
                    board.add_scalar("val/pck", row["val_pck"], row["step"])
            logged = len(tuning.curves)
            board.flush()
            _write(tuning, folder)

        yield from run(
            tuning,
            folder / CHECKPOINT,
            stop=stop,
            on_step=log_step,
            on_pair=on_pair,
            before_save=write_all,
            save_every=save_every,
        )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a folder for the block."""
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SD4MatchError(
                f"{folder}: another tuning is running in it: wait for it, or name another folder"
            ) from error
        yield


def write_curves(tuning: Tuning, file: Path) -> None:
    """Write ``tuning.curves`` to a Parquet file."""
    write(pa.Table.from_pylist(tuning.curves), file)


def _write(tuning: Tuning, folder: Path) -> None:
    steps = range(1, tuning.step + 1)
    write(pa.table({"step": steps, "loss": tuning.losses}), folder / LOSSES)
    if tuning.curves:  # before the first epoch there is no best prompt
        write_curves(tuning, folder / CURVES)
        files.save(tuning.best_prompt(), folder / PROMPT, training=_training(tuning))


def _training(tuning: Tuning) -> dict[str, Any]:
    """The training entries for the header of the best prompt's file."""
    # The first of equals, and the last epoch without validation, as in `Tuning`.
    scored = [row for row in tuning.curves if row["val_pck"] is not None]
    best = max(scored, key=lambda row: row["val_pck"]) if scored else tuning.curves[-1]
    return {
        **asdict(tuning.settings),
        "image_size": tuning.latents.image_size,
        "dtype": str(tuning.backbone.dtype).removeprefix("torch."),
        "devices": tuning.devices,
        "data": tuning.train.dataset,
        "pairs": len(tuning.train),
        **{name: best[name] for name in ("epoch", "step", "val_pck")},
    }
