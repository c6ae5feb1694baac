"""Features as colors: their three principal components as red, green and blue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sd4match.errors import SD4MatchError
from sd4match.matching.correlation import vector_norm
from sd4match.matching.readout import Layer
from sd4match.visualize.image_page import footnote, panels, show, title

_TAILS = (0.01, 0.99)  # a few extreme cells must not use up all the contrast


@dataclass(frozen=True, eq=False)
class Views:
    """Feature maps of some images in colors that mean the same in all of them.

    Attributes:
        colours: for each image, (h, w, 3) float32 from 0 to 1.
        explained: share of the features' variance that the colors show.
    """

    colours: list[NDArray[np.float32]]
    explained: float


def fit(maps: Sequence[Tensor]) -> Views:
    """Project features onto the first three principal components of all images together.

    Descriptors are L2-normalized, as for matching. A component's sign is arbitrary: here its
    largest loading is positive. Each component fills 0 to 1, with 1 % of the cells clipped at
    either end.

    Args:
        maps: for each image, (C, h, w) of one layer, C at least 3.

    Returns:
        The colors.

    Raises:
        SD4MatchError: no image, or fewer than three channels.
    """
    if not maps or maps[0].shape[0] < 3:
        raise SD4MatchError("principal components need at least one image and three channels")
    rows = [(m / vector_norm(m, dim=0)).flatten(1).T.cpu().double() for m in maps]
    cells = torch.cat(rows)
    cells = cells - cells.mean(0)
    variances, directions = torch.linalg.eigh(cells.T @ cells)
    main = directions[:, -3:].flip(1)
    strongest = main.gather(0, main.abs().argmax(0, keepdim=True))
    projected = cells @ (main * strongest.sign())
    low, high = torch.quantile(projected, torch.tensor(_TAILS).double(), dim=0)
    scaled = ((projected - low) / (high - low).clamp_min(1e-12)).clamp(0, 1).float()
    parts = scaled.split([len(row) for row in rows])
    return Views(
        colours=[part.view(*m.shape[1:], 3).numpy() for part, m in zip(parts, maps, strict=True)],
        explained=float(variances[-3:].sum() / variances.sum().clamp_min(1e-300)),
    )


def pca(
    images: Sequence[tuple[str, Image.Image]], views: Mapping[Layer, Views], *, note: str = ""
) -> Figure:
    """Draw images beside their features: one row per image, one column per layer.

    Args:
        images: names and images.
        views: layer -> the views of the same images.
        note: a line below the picture, such as the configuration.

    Returns:
        The figure; the title of each column gives the map's size and the share of variance shown.
    """
    rows = [[image.size] * (1 + len(views)) for _, image in images]
    figure, axes = panels(rows, tallest=2.6, foot=0.25)
    for i, ((name, image), (first, *others)) in enumerate(zip(images, axes, strict=True)):
        show(first, image)
        title(first, name, fit=True)
        for panel, (layer, view) in zip(others, views.items(), strict=True):
            colours = view.colours[i]
            width, height = image.size
            panel.imshow(
                colours, extent=(0, width, height, 0), interpolation="nearest", aspect="auto"
            )
            if i == 0:
                h, w = colours.shape[:2]
                title(panel, f"layer {layer}: {h}×{w}, {view.explained:.0%}", fit=True)
    footnote(figure, note)
    return figure
