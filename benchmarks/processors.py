"""Differences between instruction sets, batches and machines: features, loss, PCK, learned prompts.

    python -m benchmarks processors                       # the instruction sets of this processor
    python -m benchmarks processors --save here.npz       # then, on another machine:
    python -m benchmarks processors --against here.npz    # what is stored there, computed again

nano answers generated pairs, computes a loss with its gradient, and learns a prompt: with fewer
instructions, one noisy latent in a batch, or two threads, beside this processor as it is. Target:
with a fixed prompt nothing differs by more than `TOLERANCES`.
"""

import argparse
import os
import tempfile
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tabulate import tabulate

from sd4match import backbones, prompts
from sd4match.backbones.devices import device_kind
from sd4match.backbones.loading import Backbone
from sd4match.datasets.benchmarks import load
from sd4match.datasets.pair_set import PairSet
from sd4match.features.contents import Contents
from sd4match.features.latents import Latents
from sd4match.matching.readout import Layer, Readout
from sd4match.pck.ground_truth import GroundTruth
from sd4match.pck.scoring import aggregate, correct
from sd4match.prediction.features import image_features
from sd4match.prediction.predictor import predict
from sd4match.prompts.base import Prompt
from sd4match.testbed.shapes import generate
from sd4match.tuning.recipe import TuningSettings
from sd4match.tuning.steps import step_loss
from sd4match.tuning.tuning import Tuning

AS_IT_IS = "as it is"
SETTINGS: dict[str, dict[str, str]] = {
    AS_IT_IS: {},
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "SSE4.1": {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    "batches of 1": {"BATCH": "1"},
    "2 threads": {"OMP_NUM_THREADS": "2"},
}
"""Name to variables of the environment; torch and its libraries read them at their first use."""

TOLERANCES = {
    "noise": 1e-5,
    "VAE moments": 1e-5,
    "features": 1e-5,
    "loss": 1e-5,
    "gradient": 1e-4,
    "kernel softmax": 1e-4,
    "softmax": 1e-4,
}
"""How far results of a fixed prompt may be apart, as a share of the largest value."""

LAYERS: tuple[Layer, ...] = (0, 1, 2, 3)
READOUTS = {
    "kernel softmax": Readout(kernel_sigma=3.0),
    "softmax": Readout("softmax"),
    "nearest": Readout("nearest"),
}


def main() -> None:
    """Print the largest differences, one row a quantity."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--steps", type=int, default=40, help="of the tuning")
    parser.add_argument("--save", type=Path, help="keep what this processor computes as it is")
    parser.add_argument("--against", type=Path, help="a file that --save wrote, on any machine")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "shapes"
        generate(root, scale=0.3)
        names = [AS_IT_IS] if options.save or options.against else list(SETTINGS)
        found = run(names, root, pairs=options.pairs, steps=options.steps)
    here = found.pop(AS_IT_IS)
    if options.save:
        np.savez(options.save, **here)
        print(f"{options.save}: {here['device']}")
        return
    if options.against:
        with np.load(options.against) as file:
            found = {str(file["device"]): dict(file)}
    print(f"{here['device']}, beside")
    apart = {name: differences(here, other) for name, other in found.items()}
    rows = [[what, *(a[what] for a in apart.values())] for what in next(iter(apart.values()))]
    print(tabulate(rows, headers=["", *apart], tablefmt="github", floatfmt=".1e"))


def run(
    names: Iterable[str], root: Path, *, pairs: int, steps: int, image_size: int | None = None
) -> dict[str, dict[str, Any]]:
    """Compute everything under each setting, in a process that computed nothing before.

    Args:
        names: of `SETTINGS`.
        root: of the data sets.
        pairs, steps, image_size: see `computed`.

    Returns:
        Setting to what `computed` returns.
    """
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            file = Path(folder) / "found.npz"
            child = os.fork()  # torch is loaded once; it computes only in the children
            if child == 0:
                _compute(name, root, file, pairs=pairs, steps=steps, image_size=image_size)
            if os.waitpid(child, 0)[1]:
                raise SystemExit(f"{name}: failed")
            with np.load(file) as arrays:
                found[name] = dict(arrays)
    return found


def _compute(name: str, root: Path, file: Path, **options: Any) -> None:
    """Compute in a child process, and leave it."""
    try:
        os.environ.update(SETTINGS[name])
        torch.set_num_threads(int(SETTINGS[name].get("OMP_NUM_THREADS", "1")))
        batch = int(SETTINGS[name].get("BATCH", "8"))
        np.savez(file, **computed(root, batch_size=batch, **options))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def computed(
    root: Path, *, pairs: int, steps: int, batch_size: int, image_size: int | None
) -> dict[str, Any]:
    """Everything that is compared, from this process's processor and instructions.

    Args:
        root: of the data sets.
        pairs: how many pairs of PF-Pascal are predicted, and as many learned from.
        steps: of the tuning.
        batch_size: images and noisy latents in a batch.
        image_size: side of the square that nano sees, pixels; None for its own.

    Returns:
        Quantity to array; ``device``, its kind.
    """
    nano = backbones.load("nano", device="cpu")
    test, train = (load("pf_pascal", root, split)[:pairs] for split in ("test", "train"))
    latents, contents = Latents(nano, image_size), Contents(nano)
    found: dict[str, Any] = {"device": device_kind(nano.device)}
    few = [(pair, "source") for pair in test[:4]]
    found["noise"] = np.stack([latents.noise(*image, 0, 0) for image in few])
    found["VAE moments"] = np.stack([np.stack(latents.moments(*image)) for image in few])
    text = prompts.create("text", nano)
    with torch.no_grad():
        maps = image_features(
            few, backbone=nano, prompt=text, latents=latents, contents=contents, timestep=100,
            ensemble=1, layers=LAYERS, fusion=False, seed=0, chunk=batch_size,
        )  # fmt: skip
    for layer in LAYERS:
        found[f"features, layer {layer}"] = np.stack([own[layer] for own in maps])
    recipe = TuningSettings(steps=steps, timestep=100, layer=2, image_size=image_size)
    prompt = prompts.create("single", nano, length=16)
    batch = [pair for pair in train if len(pair.source_keypoints)][:3]
    loss = step_loss(nano, prompt, batch, recipe, latents=latents, contents=contents, step=0)
    loss.backward()
    found |= {"loss": loss.item(), "gradient": prompt.embeddings.grad.numpy()}
    found |= _predicted(nano, text, test, latents, batch_size)
    tuning = Tuning(nano, prompt, train, None, recipe, latents=latents, contents=contents)
    while not tuning.finished:
        tuning.run_epoch()
    found |= {"last loss": tuning.losses[-1], "prompt": prompt.embeddings.detach().numpy()}
    learned = _predicted(nano, prompt, test, latents, batch_size)
    return found | {f"{what}, learned prompt": values for what, values in learned.items()}


def _predicted(
    nano: Backbone, prompt: Prompt, pairs: PairSet, latents: Latents, batch_size: int
) -> dict[str, Any]:
    positions = predict(
        nano, prompt, pairs, timestep=100, ensemble=1, latents=latents, batch_size=batch_size,
        settings=[(2, readout) for readout in READOUTS.values()],
    )  # fmt: skip
    truth, side = GroundTruth.of(pairs), latents.image_size
    right = [correct(truth, own, alpha=0.1, image_size=side) for own in positions]
    pck = {f"PCK, {n}": aggregate(truth, own) for n, own in zip(READOUTS, right, strict=True)}
    return dict(zip(READOUTS, positions, strict=True)) | pck


def differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, float]:
    """The largest difference of each quantity.

    Args:
        here, there: as `computed` returns them.

    Returns:
        Quantity to difference, as a share of the largest value here; of PCK as it is, and of
        ``nearest`` the share of keypoints that moved.
    """
    found = {}
    for what in (what for what in here if what != "device"):
        ours, theirs = np.asarray(here[what]), np.asarray(there[what])
        apart = np.abs(ours - theirs)
        if what.startswith("nearest"):
            found[what] = float((apart > 1e-3 * ours.max()).any(-1).mean())
        else:
            found[what] = float(apart.max() / (1 if "PCK" in what else np.abs(ours).max()))
    return found


if __name__ == "__main__":
    main()
