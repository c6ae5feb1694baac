"""Matching one pair of images: features, correlation maps and positions.

Steps and positions are those of ``prediction.predict``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sd4match.backbones.loading import Backbone
from sd4match.datasets.pairs import ImagePair, Side
from sd4match.errors import SD4MatchError
from sd4match.features.contents import Contents
from sd4match.features.latents import Latents
from sd4match.matching.correlation import correlate
from sd4match.matching.keypoints import square_to_cells, to_square
from sd4match.matching.readout import Layer, Readout
from sd4match.prediction.features import Maps, image_features
from sd4match.prediction.matches import find
from sd4match.prediction.predictor import latents_for
from sd4match.prompts.base import Prompt


@dataclass(frozen=True, eq=False)
class Matches:
    """The matches of the N source keypoints of a pair in its target.

    Attributes:
        positions: (N, 2) float32, (x, y) in original pixels of the target.
        correlation: (N, h, w) float32, cosine similarity with every cell of the target's map,
            which is corner-aligned with the square that the model sees; dot products if the
            readout has no ``l2_normalize``.
    """

    positions: NDArray[np.float32]
    correlation: NDArray[np.float32]

    @property
    def peaks(self) -> NDArray[np.float32]:
        """(N,) the largest correlation of each keypoint: a confidence of the match.

        Cosine similarities are at most 1.
        """
        peaks: NDArray[np.float32] = self.correlation.max(axis=(1, 2))
        return peaks


@torch.no_grad()
def match_pair(
    backbone: Backbone,
    prompt: Prompt,
    pair: ImagePair,
    *,
    timestep: int = 50,
    ensemble: int = 8,
    layer: Layer = 1,
    readout: Readout | None = None,
    image_size: int | None = None,
    seed: int = 0,
    latents: Latents | None = None,
    contents: Contents | None = None,
) -> Matches:
    """Find the source keypoints of one pair in its target.

    Args:
        backbone, prompt, timestep, ensemble, image_size, seed, latents, contents: as for
            ``predict``.
        pair: a pair of a data set, or from ``own_images.image_pair``.
        layer: the up block, or the place inside one, to match on.
        readout: how a position is read from its correlation map; default: ``Readout()``.

    Returns:
        The matches and the correlation maps.

    Raises:
        SD4MatchError: as ``predict``, or the prompt needs a category and the pair has none.
    """
    latents = latents_for(backbone, image_size, latents)
    source, target = (
        maps[layer]
        for maps in features(
            backbone,
            prompt,
            [(pair, "source"), (pair, "target")],
            layers=[layer],
            timestep=timestep,
            ensemble=ensemble,
            seed=seed,
            latents=latents,
            contents=contents,
        )
    )
    side, hw = latents.image_size, (source.shape[1], source.shape[2])
    readout = readout or Readout()
    found = find(pair, source, target, [readout], image_size=side)
    positions = found.in_pixels(found.positions.cpu().numpy(), pair, side)[0]
    cells = square_to_cells(to_square(pair.source_keypoints, pair.source_size, side), side, hw)
    queries = torch.tensor(cells, dtype=torch.float32, device=backbone.device)[None]
    return Matches(
        positions=positions.astype(np.float32),
        correlation=correlate(
            source[None], target[None], queries, l2_normalize=readout.l2_normalize
        )[0]
        .cpu()
        .numpy(),
    )


@torch.no_grad()
def features(
    backbone: Backbone,
    prompt: Prompt,
    images: Sequence[tuple[ImagePair, Side]],
    *,
    layers: Sequence[Layer],
    timestep: int = 50,
    ensemble: int = 8,
    image_size: int | None = None,
    seed: int = 0,
    latents: Latents | None = None,
    contents: Contents | None = None,
) -> list[Maps]:
    """Extract the features by which ``predict`` would match images of pairs.

    Args:
        backbone, prompt, timestep, ensemble, image_size, seed, latents, contents: as for
            ``predict``.
        images: pairs, each with a side.
        layers: up blocks, or places inside them, to read.

    Returns:
        For each image, layer -> (C, h, w).

    Raises:
        SD4MatchError: as ``match_pair``.
    """
    if prompt.depends_on == "category" and not all(pair.category for pair, _ in images):
        raise SD4MatchError(f"a {prompt.family} prompt needs the category of the images: name it")
    return image_features(
        images,
        backbone=backbone,
        prompt=prompt,
        latents=latents_for(backbone, image_size, latents),
        contents=contents or Contents(backbone),
        timestep=timestep,
        ensemble=ensemble,
        layers=layers,
        fusion=False,
        seed=seed,
        chunk=8,
    )
