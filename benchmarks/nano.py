"""What the embedded backbone has learned, on the test split of the shapes benchmark.

    python -m benchmarks nano [--data data/shapes] [--steps 400] [--pairs 240]

Per-image PCK@0.1 of the written and the learned prompts on trained nano, of `text` on the same
architecture with random weights, and of two descriptors that learned nothing: raw pixels around a
point, and SIFT-like histograms of gradients. Every row chooses its timestep, layer and kernel
width on the validation pairs (PF-Willow, which has none, takes PF-Pascal's), and is then read
on test; `class` has no row on PF-Willow, for it learned no ducks. Differences are paired, with
95 % intervals for other images.

Then speed: a forward pass through layer 1 in batches of 16, and how fast a `single` prompt is
tuned to within a point of its final PCK.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tabulate import tabulate
from torch import Tensor

from benchmarks.descriptors import gradient_histograms, raw_pixels
from sd4match import backbones, pck, prompts
from sd4match.backbones import Backbone
from sd4match.datasets import (
    ImagePair,
    PairSet,
    Side,
    content_hash,
    load,
    load_image,
    object_name,
)
from sd4match.features import Contents, Latents, extract
from sd4match.features.latents import to_tensor
from sd4match.matching import Readout, cells_to_original, match_many, square_to_cells, to_square
from sd4match.prediction import predict
from sd4match.prompts import ClassPrompt, Prompt, serving_category
from sd4match.testbed.nano.training.models import export, initial_models, read_json
from sd4match.tuning import Tuning, TuningSettings
from study.analysis.statistics import PairSamples, difference, interval

SIDE = 128
DATASETS = ("spair", "pf_pascal", "pf_willow")
CHOSEN_ON = {"spair": "spair", "pf_pascal": "pf_pascal", "pf_willow": "pf_pascal"}
TIMESTEPS = (20, 50, 100, 180, 261)
LAYERS = (0, 1, 2, 3)
SIGMAS = (1.0, 2.0, 3.0, 5.0, 7.0)
TRAINED_AT = {"timestep": 100, "layer": 2}
ALPHA = 0.1

RANDOM = "text, random weights"
LEARNED = ("single", "class", "cpm")
COMPARED = (
    ("text", RANDOM), ("text", "raw pixels"), ("text", "SIFT-like"), ("single", "empty"),
    ("single", "text"), ("class", "text"), ("cpm", "text"),
)  # fmt: skip

Splits = Mapping[tuple[str, str], PairSet]


class Setting(NamedTuple):
    """Where features are read, and how; descriptors have no timestep and no layer."""

    timestep: int | None
    layer: int | None
    sigma: float


class Row(NamedTuple):
    """One method on one data set: what was chosen on val, and every test pair's PCK."""

    setting: Setting
    pck: np.ndarray


Answers = dict[Setting, np.ndarray]  # every pair's PCK
Method = Callable[[PairSet, str, list[Setting]], Answers]  # pairs, trained on, settings


def main() -> None:
    """Print accuracies, differences and speeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="data/shapes")
    parser.add_argument("--pairs", type=int, default=240, help="a split, at most")
    parser.add_argument("--steps", type=int, default=400, help="of each tuning")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    splits = {
        (name, split): _subset(load(name, arguments.data, split), arguments.pairs)
        for name, split in product(DATASETS, ("val", "test"))
        if (name, split) != ("pf_willow", "val")
    }
    nano = Extractor(backbones.load("nano"))
    rows = {
        "raw pixels": _choose(splits, _described(raw_pixels), descriptor=True),
        "SIFT-like": _choose(splits, _described(gradient_histograms), descriptor=True),
    }
    with tempfile.TemporaryDirectory() as folder:
        scale = read_json("vae/config.json")["scaling_factor"]
        export(initial_models(seed=0), Path(folder), scaling_factor=scale)
        rows[RANDOM] = _choose(splits, _written(Extractor(backbones.load(folder)), "text"))
    for family in ("empty", "text"):
        rows[family] = _choose(splits, _written(nano, family))
    for family in LEARNED:
        rows[family] = _choose(splits, _learned(nano, family, arguments))
    _show(rows, splits)
    _speed(nano, arguments)


def _subset(pairs: PairSet, most: int) -> PairSet:
    return pairs.subset(np.sort(np.random.default_rng(0).permutation(len(pairs))[:most]).tolist())


def _choose(splits: Splits, method: Method, *, descriptor: bool = False) -> dict[str, Row]:
    """Answer each test split with the setting that is best on its validation split."""
    timesteps, layers = ((None,), (None,)) if descriptor else (TIMESTEPS, LAYERS)
    grid = [Setting(*each) for each in product(timesteps, layers, SIGMAS)]
    best = {}
    for name in dict.fromkeys(CHOSEN_ON.values()):
        val = method(splits[name, "val"], name, grid)
        best[name] = max(grid, key=lambda setting: float(val[setting].mean()))
    chosen = {}
    for name, other in CHOSEN_ON.items():
        answers = method(splits[name, "test"], other, [best[other]])
        if answers:
            chosen[name] = Row(best[other], answers[best[other]])
    return chosen


class Extractor:
    """A backbone, and what was computed once for all prompts on it."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone
        self.latents, self.contents = Latents(backbone, SIDE), Contents(backbone)

    def answer(self, prompt: Prompt, pairs: PairSet, settings: Iterable[Setting]) -> Answers:
        """Match with a prompt's features: one pass per timestep for all of its settings."""
        answers: Answers = {}
        at: dict[int | None, list[Setting]] = {}
        for setting in settings:
            at.setdefault(setting.timestep, []).append(setting)
        for timestep, group in at.items():
            positions = predict(
                self.backbone, prompt, pairs, timestep=timestep, ensemble=1,
                settings=[(each.layer, Readout(kernel_sigma=each.sigma)) for each in group],
                latents=self.latents, contents=self.contents, batch_size=16,
            )  # fmt: skip
            answers |= zip(group, _per_pair(pairs, positions), strict=True)
        return answers

    def tuning(self, family: str, train: PairSet, steps: int) -> Tuning:
        """A prompt to be learned."""
        options = {"categories": train.categories} if family == "class" else {}
        return Tuning(
            self.backbone, prompts.create(family, self.backbone, **options), train, None,
            TuningSettings(steps=steps, **TRAINED_AT),
            latents=self.latents, contents=self.contents,
        )  # fmt: skip


def _written(extractor: Extractor, family: str) -> Method:
    prompt = prompts.create(family, extractor.backbone)
    return lambda pairs, _, settings: extractor.answer(prompt, pairs, settings)


def _learned(nano: Extractor, family: str, arguments: argparse.Namespace) -> Method:
    """Learn a prompt on each training set; PF-Willow takes PF-Pascal's."""
    tuned: dict[str, Prompt] = {}

    def answer(pairs: PairSet, trained_on: str, settings: list[Setting]) -> Answers:
        if trained_on not in tuned:
            train = load(trained_on, arguments.data, "train")
            tuning = nano.tuning(family, train, arguments.steps)
            while not tuning.finished:
                tuning.run_epoch()
            tuned[trained_on] = tuning.best_prompt()
        prompt = tuned[trained_on]
        if isinstance(prompt, ClassPrompt) and not all(
            serving_category(prompt.categories, category) for category in pairs.categories
        ):
            return {}
        return nano.answer(prompt, pairs, settings)

    return answer


def _per_pair(pairs: PairSet, positions: np.ndarray) -> np.ndarray:
    """(S, P) PCK of every pair from (S, K, 2) positions."""
    truth = pck.GroundTruth.of(pairs)
    right = pck.counts(truth, pck.correct(truth, positions, alpha=ALPHA, image_size=SIDE))
    return right / truth.n_keypoints


def _described(describe: Callable[[Tensor], Tensor]) -> Method:
    maps: dict[object, Tensor] = {}

    def described(pair: ImagePair, side: Side) -> Tensor:
        key = getattr(pair, f"{side}_path"), pair.flip
        if key not in maps:
            maps[key] = describe(to_tensor(load_image(pair, side), SIDE))[None]
        return maps[key]

    def answer(pairs: PairSet, _: str, settings: list[Setting]) -> Answers:
        readouts = [Readout(kernel_sigma=setting.sigma) for setting in settings]
        positions = []
        for pair in pairs:
            source, target = described(pair, "source"), described(pair, "target")
            hw = target.shape[-2:]
            square = to_square(pair.source_keypoints, pair.source_size, SIDE)
            queries = torch.tensor(square_to_cells(square, SIDE, hw), dtype=torch.float32)
            cells = match_many(source, target, queries[None], readouts)[:, 0].numpy()
            positions.append(cells_to_original(cells, pair.target_size, SIDE, hw))
        rows = _per_pair(pairs, np.concatenate(positions, axis=1))
        return dict(zip(settings, rows, strict=True))

    return answer


def _show(rows: Mapping[str, Mapping[str, Row]], splits: Splits) -> None:
    for name in DATASETS:
        pairs = splits[name, "test"]
        found = {method: on[name] for method, on in rows.items() if name in on}
        samples = _samples(pairs, {method: row.pck for method, row in found.items()})
        print(f"\n{name}, {len(pairs)} test pairs, PCK@{ALPHA} in %")
        table = []
        for method, row in found.items():
            mean = interval(samples[method])
            table.append((method, *row.setting, _percent(mean.mean, mean.low, mean.high)))
        head = ("method", "timestep", "layer", "kernel", "test")
        print(tabulate(table, head, "github", missingval="-"))
        table = []
        for better, worse in COMPARED:
            if better in found and worse in found:
                gain = difference(samples[better], samples[worse])
                table.append((f"{better} − {worse}", _percent(gain.effect, gain.low, gain.high)))
        print()
        print(tabulate(table, ("difference", "points [95 %]"), "github"))


def _samples(pairs: PairSet, values: Mapping[str, np.ndarray]) -> dict[str, PairSamples]:
    def codes(names: list[str]) -> np.ndarray:
        return np.unique(names, return_inverse=True)[1]

    images = codes([content_hash(path) for p in pairs for path in (p.source_path, p.target_path)])
    categories = codes([object_name(pair.category) for pair in pairs])
    return {
        method: PairSamples(each, images[::2], images[1::2], categories)
        for method, each in values.items()
    }


def _percent(mean: float, low: float, high: float) -> str:
    return f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _speed(nano: Extractor, arguments: argparse.Namespace) -> None:
    latents = torch.randn(16, 4, 32, 32)
    hidden = prompts.create("empty", nano.backbone).hidden_states(nano.backbone)
    times = []
    for _ in range(8):
        began = time.perf_counter()
        with torch.no_grad():
            extract(
                nano.backbone, latents, hidden, timestep=50, layers=[1], chunk=16,
                noise=torch.randn(16, 1, 4, 32, 32),
            )  # fmt: skip
        times.append(time.perf_counter() - began)
    best = min(times) / 16 * 1000
    print(f"\nforward pass through layer 1, batches of 16: {best:.1f} ms per image")

    train, val = (load("spair", arguments.data, split) for split in ("train", "val"))
    val, setting = _subset(val, 120), Setting(**TRAINED_AT, sigma=2.0)
    # Its own latents: encoding the training images is a part of tuning.
    tuning = Extractor(nano.backbone).tuning("single", train, arguments.steps)
    spent, curve = 0.0, []
    while not tuning.finished:
        began = time.perf_counter()
        tuning.run_epoch()
        spent += time.perf_counter() - began
        reached = 100 * float(nano.answer(tuning.prompt, val, [setting])[setting].mean())
        curve.append((tuning.step, spent, reached))
    print("\ntuning `single`, without the time of validation:")
    print(tabulate(curve, ("step", "seconds", "val PCK"), "github", floatfmt=".1f"))
    final = curve[-1][2]
    step, seconds, _ = next(row for row in curve if row[2] >= final - 1)
    print(f"within 1 point of the final PCK after {step} steps, {seconds:.0f} s")


if __name__ == "__main__":
    main()
