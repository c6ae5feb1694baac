"""What the embedded backbone has learned, on the shapes benchmark's own test split.

    python benchmarks/nano.py [--data data/shapes] [--steps 400] [--pairs 240]

Per-image PCK@0.1 of the written and the learned prompts on trained nano, of `text` on the same
architecture with random weights, and of two descriptors that learned nothing: raw pixels around a
point, and SIFT-like histograms of gradients. Every row chooses its timestep, layer and kernel
width on the validation pairs (PF-Willow, which has none, takes PF-Pascal's), and is then read
on test. Differences are paired, with 95 % intervals from a bootstrap over images.

Then speed: a forward pass through layer 1 in batches of 16, and how fast a `single` prompt is
tuned to within a point of its final PCK.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from tabulate import tabulate
from torch import Tensor

from sd4match import backbones, pck, prompts
from sd4match.backbones import Backbone
from sd4match.backbones.train_nano.models import export, initial_models, read_json
from sd4match.datasets import ImagePair, content_hash, load, load_image, object_name
from sd4match.features import Contents, extract
from sd4match.features.images import to_tensor
from sd4match.features.latents import Latents
from sd4match.keypoints import cells_to_original, square_to_cells, to_square
from sd4match.matching import match_many
from sd4match.prediction import predict
from sd4match.prompts import Prompt
from sd4match.readouts import Readout
from sd4match.tuning import Tuning, TuningSettings
from study.stats import PairSamples, difference, interval

SIDE = 128
DATASETS = ("spair", "pf_pascal", "pf_willow")
CHOSEN_ON = {"spair": "spair", "pf_pascal": "pf_pascal", "pf_willow": "pf_pascal"}
TIMESTEPS = (20, 50, 100, 180, 261)
GRID = tuple(product((0, 1, 2, 3), (1.0, 2.0, 3.0, 5.0, 7.0)))
SETTINGS = [(layer, Readout(kernel_sigma=sigma)) for layer, sigma in GRID]
TRAINED_AT = {"timestep": 100, "layer": 2}
ALPHA = 0.1

RANDOM = "text, random weights"
COMPARED = (
    ("text", RANDOM), ("text", "raw pixels"), ("text", "SIFT-like"), ("single", "empty"),
    ("single", "text"), ("cpm", "text"),
)  # fmt: skip

Pairs = Sequence[ImagePair]
Splits = Mapping[tuple[str, str], Pairs]
Answers = dict[tuple[object, ...], np.ndarray]  # a setting's PCK, a value a pair


class Row(NamedTuple):
    """One method on one data set: what was chosen on val, and every test pair's PCK."""

    setting: tuple[object, ...]
    pck: np.ndarray


def main() -> None:
    """Print accuracies, differences and speeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
    nano = backbones.load("nano")
    rows: dict[str, dict[str, Row]] = {
        "raw pixels": _choose(splits, lambda pairs, _: _described(pairs, raw_pixels)),
        "SIFT-like": _choose(splits, lambda pairs, _: _described(pairs, gradient_histograms)),
    }
    with tempfile.TemporaryDirectory() as folder:
        scale = read_json("vae/config.json")["scaling_factor"]
        export(initial_models(seed=0), Path(folder), scaling_factor=scale)
        rows[RANDOM] = _choose(splits, _written(backbones.load(folder), "text"))
    for family in ("empty", "text"):
        rows[family] = _choose(splits, _written(nano, family))
    for family in ("single", "cpm"):
        rows[family] = _choose(splits, _learned(nano, family, arguments))
    _show(rows, splits)
    _speed(nano, arguments)


def _subset(pairs: Pairs, most: int) -> Pairs:
    chosen = np.sort(np.random.default_rng(0).permutation(len(pairs))[:most])
    return [pairs[int(i)] for i in chosen]


def _choose(splits: Splits, answer: Callable[[Pairs, str], Answers]) -> dict[str, Row]:
    """Answer every split, and keep of each test split what its validation split likes best."""
    found = {key: answer(pairs, CHOSEN_ON[key[0]]) for key, pairs in splits.items()}
    chosen = {}
    for name in DATASETS:
        val = found[CHOSEN_ON[name], "val"]
        best = max(val, key=lambda setting: float(val[setting].mean()))
        chosen[name] = Row(best, found[name, "test"][best])
    return chosen


def _written(backbone: Backbone, family: str) -> Callable[[Pairs, str], Answers]:
    latents, prompt = Latents(backbone, SIDE), prompts.create(family, backbone)
    return lambda pairs, _: _features(backbone, prompt, pairs, latents)


def _learned(
    nano: Backbone, family: str, arguments: argparse.Namespace
) -> Callable[[Pairs, str], Answers]:
    """Learn a prompt on each training set; PF-Willow takes PF-Pascal's."""
    latents, contents = Latents(nano, SIDE), Contents(nano)
    tuned: dict[str, Prompt] = {}

    def answer(pairs: Pairs, trained_on: str) -> Answers:
        if trained_on not in tuned:
            train = load(trained_on, arguments.data, "train")
            settings = TuningSettings(steps=arguments.steps, **TRAINED_AT)
            prompt = prompts.create(family, nano)
            tuning = Tuning(nano, prompt, train, None, settings, latents=latents, contents=contents)
            while not tuning.finished:
                tuning.run_epoch()
            tuned[trained_on] = tuning.best_prompt()
        return _features(nano, tuned[trained_on], pairs, latents, contents)

    return answer


def _features(
    backbone: Backbone,
    prompt: Prompt,
    pairs: Pairs,
    latents: Latents,
    contents: Contents | None = None,
) -> Answers:
    answers: Answers = {}
    for timestep in TIMESTEPS:
        positions = predict(
            backbone, prompt, pairs, timestep=timestep, ensemble=1, settings=SETTINGS,
            latents=latents, contents=contents, batch_size=16,
        )  # fmt: skip
        for setting, each in zip(GRID, _per_pair(pairs, positions), strict=True):
            answers[(timestep, *setting)] = each
    return answers


def _per_pair(pairs: Pairs, positions: np.ndarray) -> np.ndarray:
    """(S, P) PCK of every pair from (S, K, 2) positions."""
    truth = pck.GroundTruth.of(pairs)
    right = pck.counts(truth, pck.correct(truth, positions, alpha=ALPHA, image_size=SIDE))
    return right / truth.n_keypoints


def raw_pixels(image: Tensor) -> Tensor:
    """(3, S, S) to (147, S/4, S/4): 7 by 7 colours around every fourth pixel, less their mean."""
    smooth = F.avg_pool2d(image[None], 3, stride=1, padding=1)
    patches = F.unfold(smooth, 7, dilation=3, padding=9, stride=4)[0]
    return (patches - patches.mean(0)).unflatten(1, (SIDE // 4, SIDE // 4))


def gradient_histograms(image: Tensor) -> Tensor:
    """(3, S, S) to (128, S/4, S/4): 4 by 4 cells of 8 directions of gradients, as SIFT has them."""
    grey = image.mean(0)
    dx, dy = (torch.gradient(grey, dim=dim)[0] for dim in (1, 0))
    turn = torch.atan2(dy, dx) / (2 * torch.pi) * 8
    bins = torch.arange(8.0)[:, None, None]
    # A direction counts for the two bins beside it.
    distance = (turn - bins + 4).remainder(8) - 4
    votes = (1 - distance.abs()).clamp_min(0) * torch.hypot(dx, dy)
    cells = F.avg_pool2d(votes[None], 8, stride=4, padding=2, count_include_pad=False)
    blocks = F.unfold(cells, 4, dilation=2, padding=3)[0]
    side = SIDE // 4
    unit = blocks / (blocks.norm(dim=0) + 1e-6)
    return unit.clamp_max(0.2).unflatten(1, (side, side))


def _described(pairs: Pairs, describe: Callable[[Tensor], Tensor]) -> Answers:
    maps: dict[object, Tensor] = {}
    readouts = list(dict.fromkeys(readout for _, readout in SETTINGS))
    positions = []
    for pair in pairs:
        for side in ("source", "target"):
            key = getattr(pair, f"{side}_path")
            if key not in maps:
                maps[key] = describe(to_tensor(load_image(pair, side), SIDE))[None]
        source, target = maps[pair.source_path], maps[pair.target_path]
        square = to_square(pair.source_keypoints, pair.source_size, SIDE)
        queries = torch.tensor(
            square_to_cells(square, SIDE, source.shape[-2:]), dtype=torch.float32
        )
        cells = match_many(source, target, queries[None], readouts)
        positions.append(
            cells_to_original(cells[:, 0].numpy(), pair.target_size, SIDE, (SIDE // 4, SIDE // 4))
        )
    rows = _per_pair(pairs, np.concatenate(positions, axis=1))
    return {("-", "-", r.kernel_sigma): row for r, row in zip(readouts, rows, strict=True)}


def _samples(pairs: Pairs, row: Row) -> PairSamples:
    def codes(names: list[str]) -> np.ndarray:
        return np.unique(names, return_inverse=True)[1]

    images = [content_hash(path) for pair in pairs for path in (pair.source_path, pair.target_path)]
    return PairSamples(
        row.pck, codes(images)[::2], codes(images)[1::2],
        codes([object_name(pair.category) for pair in pairs]),
    )  # fmt: skip


def _show(rows: Mapping[str, Mapping[str, Row]], splits: Splits) -> None:
    for name in DATASETS:
        pairs = splits[name, "test"]
        table = []
        for method, found in rows.items():
            if name not in found:
                continue
            bounds = interval(_samples(pairs, found[name]))
            table.append(
                (method, *found[name].setting, _percent(bounds.mean, bounds.low, bounds.high))
            )
        print(f"\n{name}, {len(pairs)} test pairs, PCK@{ALPHA} in %")
        print(tabulate(table, ("method", "timestep", "layer", "kernel", "test"), "github"))
        table = []
        for better, worse in COMPARED:
            if name in rows[better]:
                of = [_samples(pairs, rows[method][name]) for method in (better, worse)]
                gain = difference(*of)
                table.append((f"{better} − {worse}", _percent(gain.effect, gain.low, gain.high)))
        print()
        print(tabulate(table, ("difference", "points [95 %]"), "github"))


def _percent(mean: float, low: float, high: float) -> str:
    return f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _speed(nano: Backbone, arguments: argparse.Namespace) -> None:
    latents, hidden = torch.randn(16, 4, 32, 32), prompts.create("empty", nano).hidden_states(nano)
    times = []
    for _ in range(8):
        began = time.perf_counter()
        with torch.no_grad():
            extract(
                nano, latents, hidden, timestep=50, layers=[1], chunk=16,
                noise=torch.randn(16, 1, 4, 32, 32),
            )  # fmt: skip
        times.append(time.perf_counter() - began)
    print(
        f"\nforward pass through layer 1, batches of 16: {min(times) / 16 * 1000:.1f} ms an image"
    )

    train, val = (load("spair", arguments.data, split) for split in ("train", "val"))
    val = _subset(val, 120)
    settings = TuningSettings(steps=arguments.steps, **TRAINED_AT)
    tuning = Tuning(nano, prompts.create("single", nano), train, None, settings)
    spent, curve = 0.0, []
    while not tuning.finished:
        began = time.perf_counter()
        tuning.run_epoch()
        spent += time.perf_counter() - began
        answers = _features(nano, tuning.prompt, val, tuning.latents)
        reached = float(answers[TRAINED_AT["timestep"], TRAINED_AT["layer"], 2.0].mean())
        curve.append((tuning.step, f"{spent:.0f} s", f"{100 * reached:.1f}"))
    print("\ntuning `single`, without the time of validation:")
    print(tabulate(curve, ("step", "time", "val PCK"), "github"))


if __name__ == "__main__":
    main()
