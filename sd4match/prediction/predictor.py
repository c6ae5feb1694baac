"""Prediction: from pairs of images to predicted keypoints."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from sd4match.backbones.loading import Backbone
from sd4match.datasets.benchmark import object_name
from sd4match.datasets.pair_set import PairSet
from sd4match.datasets.pairs import ImagePair, Side
from sd4match.errors import SD4MatchError
from sd4match.features.contents import Contents
from sd4match.features.latents import Latents, image_key
from sd4match.matching.readout import DENSE, Layer, Readout, Setting
from sd4match.prediction.features import Maps, dependence, image_features
from sd4match.prediction.matches import Found, find
from sd4match.prompts.base import Prompt
from sd4match.prompts.families import require_made_for

Image = tuple[Hashable, str]  # key of its hidden states, and key of the image


@torch.no_grad()
def predict(
    backbone: Backbone,
    prompt: Prompt,
    pairs: PairSet,
    *,
    timestep: int = 50,
    ensemble: int = 8,
    settings: Sequence[Setting] = ((1, Readout()),),
    image_size: int | None = None,
    fusion: bool = False,
    seed: int = 0,
    latents: Latents | None = None,
    contents: Contents | None = None,
    batch_size: int = 8,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32]:
    """Find every source keypoint of every pair in its target image.

    For each object in turn, the features of an image are computed once for what the prompt depends
    on, in an order that depends only on the images, and dropped after the last pair that needs
    them. Thus the order of the pairs does not change the result, and their number does not change
    the memory. Other pairs or another ``batch_size`` may change last bits, since an image then has
    others beside it in its batch.

    Args:
        backbone: the frozen models.
        prompt: the prompt that conditions them.
        pairs: P pairs with K keypoints in total.
        timestep: noise level.
        ensemble: E noise draws to average features over; they share one latent sample.
        settings: S settings that the same pass answers: an up block (or a
            place inside one) to match on, and a readout.
        image_size: side of the square the model sees, pixels; default: the backbone's own.
        fusion: also match on DINO's features (docs/explanation/method.md section 3).
        seed: seed of the noise and the latent samples.
        latents: cache of VAE moments, to share between calls; default: a new one.
        contents: cache of image contents, to share between calls; default: a new one.
        batch_size: images extracted together, and noisy latents per UNet pass.
        progress: called with the pairs done and in all.

    Returns:
        (S, K, 2) positions (x, y) in original pixels of the target images, rows as in
        ``pck.GroundTruth.of(pairs)``.

    Raises:
        SD4MatchError: a setting that the backbone does not have, a category that the prompt does
            not know, an unreadable image, features that are not finite.
    """
    if ensemble < 1 or batch_size < 1 or not settings:
        raise SD4MatchError(
            f"ensemble {ensemble}, batch size {batch_size}, {len(settings)} settings: "
            "predict needs at least one of each"
        )
    require_made_for(prompt, backbone)
    latents = latents_for(backbone, image_size, latents)
    side = latents.image_size
    by_object, rows = _tasks(pairs, prompt)
    total = sum(len(tasks) for tasks in by_object.values())
    predicted = np.empty((len(settings), rows, 2), dtype=np.float32)
    # Fused features are normalized already.
    readouts = [replace(r, l2_normalize=r.l2_normalize and not fusion) for _, r in settings]
    groups: dict[tuple[Layer, bool], list[int]] = defaultdict(list)
    for i, (layer, readout) in enumerate(settings):
        groups[layer, readout.localizer == DENSE].append(i)
    features = partial(
        image_features,
        backbone=backbone,
        prompt=prompt,
        latents=latents,
        contents=contents or Contents(backbone),
        timestep=timestep,
        ensemble=ensemble,
        layers=[layer for layer, _ in settings],
        fusion=fusion,
        seed=seed,
        chunk=batch_size,
    )
    done = 0
    for tasks in by_object.values():
        matches: list[_Match] = []
        for task, source, target in _with_features(tasks, features, batch_size):
            for (layer, _), wanted in groups.items():
                # One pair at a time: the matching rounds it as without the pairs beside it.
                own = [readouts[i] for i in wanted]
                found = find(task.pair, source[layer], target[layer], own, image_size=side)
                matches.append(_Match(task, wanted, found))
            done += 1
            if progress:
                progress(done, total)
        _write(predicted, matches, side)
    return predicted


def latents_for(backbone: Backbone, image_size: int | None, latents: Latents | None) -> Latents:
    """Return the given latents, or new ones.

    Args:
        backbone: the frozen models.
        image_size: side of the square the model sees, pixels; None for that of ``latents``, or the
            backbone's own.
        latents: existing latents, if any.

    Returns:
        Latents of the backbone.

    Raises:
        SD4MatchError: the latents are of another image size or backbone, or the size is invalid.
    """
    if latents is None:
        return Latents(backbone, image_size)
    if latents.backbone.fingerprint != backbone.fingerprint:
        raise SD4MatchError(
            f"latents of backbone {latents.backbone.name}, not {backbone.name}: make them for it"
        )
    if image_size not in (None, latents.image_size):
        raise SD4MatchError(
            f"image size {image_size}, but latents for {latents.image_size}: give only one of them"
        )
    return latents


class _Task(NamedTuple):
    """A pair to match: its two images, and the row of its first keypoint."""

    source: Image
    target: Image
    row: int
    pair: ImagePair


class _Match(NamedTuple):
    """Matches of a pair on one layer, for S' of the settings."""

    task: _Task
    settings: list[int]
    found: Found


def _write(predicted: NDArray[np.float32], matches: Sequence[_Match], side: int) -> None:
    """Write matches to their rows, with one transfer for all: each transfer stalls a GPU."""
    each = [match.found.positions for match in matches]
    on_cpu = torch.cat([positions.flatten() for positions in each]).cpu()
    parts = on_cpu.split([positions.numel() for positions in each])
    for match, positions, part in zip(matches, each, parts, strict=True):
        row, n = match.task.row, positions.shape[1]
        predicted[match.settings, row : row + n] = match.found.in_pixels(
            part.view(positions.shape).numpy(), match.task.pair, side
        )


def _tasks(pairs: PairSet, prompt: Prompt) -> tuple[dict[str, list[_Task]], int]:
    """Sort the pairs that have keypoints by object, then images; count all keypoints."""
    groups: dict[str, list[_Task]] = defaultdict(list)
    rows = 0
    for pair in pairs:
        n = len(pair.source_keypoints)
        if n:
            source = dependence(prompt, pair, "source"), image_key(pair, "source")
            target = dependence(prompt, pair, "target"), image_key(pair, "target")
            # Sub-classes of PF-Willow share images.
            groups[object_name(pair.category)].append(_Task(source, target, rows, pair))
        rows += n
    # By images: pairs of the same images stay together.
    return {
        name: sorted(groups[name], key=lambda task: (task.source[1], task.target[1]))
        for name in sorted(groups)
    }, rows


def _with_features(
    tasks: Sequence[_Task],
    features: Callable[[Sequence[tuple[ImagePair, Side]]], list[Maps]],
    batch_size: int,
) -> Iterator[tuple[_Task, Maps, Maps]]:
    """Yield each task with its two images' maps; maps live from the first use to the last."""
    images: dict[Image, tuple[ImagePair, Side]] = {}  # in the order of first use
    last_use: dict[Image, int] = {}
    for i, task in enumerate(tasks):
        images.setdefault(task.source, (task.pair, "source"))
        images.setdefault(task.target, (task.pair, "target"))
        last_use[task.source] = last_use[task.target] = i
    coming = iter(images.items())
    alive: dict[Image, Maps] = {}
    for i, task in enumerate(tasks):
        while not alive.keys() >= {task.source, task.target}:
            keys, batch = zip(*islice(coming, batch_size), strict=True)
            alive.update(zip(keys, features(batch), strict=True))
        yield task, alive[task.source], alive[task.target]
        for image in {task.source, task.target}:
            if last_use[image] == i:
                del alive[image]
