"""``python -m sd4match.commands.train_nano RUN``: train nano from scratch, or resume.

The stages are drawings, an autoencoder, UNet and text encoder on captions, and a DINO-like encoder.
Each keeps a checkpoint in the folder RUN, from which the same command resumes. File names identify
their inputs: if a file is removed, files that depend on it are made again where they would differ.
RUN/nano becomes a complete diffusers folder for ``--backbone RUN/nano``. The package ships a copy
of such a folder, ``sd4match/testbed/nano/model``.
"""

import shutil
from pathlib import Path
from typing import Annotated

import torch
import typer

from sd4match.backbones.devices import choose_device
from sd4match.backbones.folders import NANO_FOLDER
from sd4match.commands import program
from sd4match.commands.progress import Progress
from sd4match.errors import SD4MatchError
from sd4match.testbed.nano.training.autoencoder import AutoencoderStage
from sd4match.testbed.nano.training.corpus import open_corpus
from sd4match.testbed.nano.training.diffusion import AIMS, DiffusionStage
from sd4match.testbed.nano.training.image_encoder import ImageEncoderStage
from sd4match.testbed.nano.training.latents import open_latents
from sd4match.testbed.nano.training.loop import Stage, Training
from sd4match.testbed.nano.training.models import export, initial_models
from sd4match.testbed.nano.training.settings import Settings, read_settings

app = program.CommandLine(add_completion=False)


@app.command()
def train(
    run: Annotated[Path, typer.Argument(help="folder of this run: checkpoints, log, weights")],
    config: Annotated[
        Path,
        typer.Option(help="seed, sizes and schedules, as JSON; default: those of the shipped run"),
    ] = NANO_FOLDER / "training.json",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda …")] = "auto",
) -> None:
    """Train nano from scratch. Run the same command again to resume."""
    settings, chosen = read_settings(config), choose_device(device)
    seed = settings.seed
    run.mkdir(parents=True, exist_ok=True)
    _same_settings(settings, run / "training.json")
    with Progress("drawings", "images") as bar:
        corpus = open_corpus(
            run,
            images=settings.images,
            seed=seed,
            progress=lambda drawn: bar.at(drawn, settings.images),
        )
    models = {name: model.to(chosen) for name, model in initial_models(seed).items()}
    vae, unet, text_encoder = (models[name] for name in ("vae", "unet", "text_encoder"))
    _fit(AutoencoderStage(vae, corpus, settings.autoencoder, seed=seed), run, chosen)
    latents = open_latents(run, vae, corpus, seed=seed)
    for name in AIMS:
        schedule = getattr(settings, name)
        stage = DiffusionStage(name, unet, text_encoder, corpus, latents, schedule, seed=seed)
        _fit(stage, run, chosen)
    encoder = models["image_encoder"]
    _fit(ImageEncoderStage(encoder, corpus, settings.image_encoder, seed=seed), run, chosen)
    export(models, run / "nano", scaling_factor=latents.scale)
    for name in ("training.json", "log.jsonl"):
        shutil.copy(run / name, run / "nano" / name)
    typer.echo(f"nano is trained: {run / 'nano'}")


def _fit(stage: Stage, run: Path, device: torch.device) -> None:
    training = Training(stage, run, device)
    stale = sorted(path.name for path in run.glob(f"{stage.name}-*.pt") if path != training.path)
    if stale and not training.step:
        typer.echo(f"{stage.name} starts again: {', '.join(stale)} came from other weights or data")
    with Progress(stage.name, "steps", start=training.step) as bar:
        training.run(lambda step, note: bar.at(step, stage.schedule.steps, note))


def _same_settings(settings: Settings, path: Path) -> None:
    """Keep the settings with the run; refuse to resume with others."""
    if path.is_file() and read_settings(path) != settings:
        raise SD4MatchError(f"{path.parent} is a run with other settings: use another folder")
    settings.write(path)


if __name__ == "__main__":
    program.run(app)
