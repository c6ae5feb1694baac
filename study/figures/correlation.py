"""Figure of the correlation maps of one pair under several prompts (arXiv 2310.17569, Fig. 6)."""

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sd4match.errors import SD4MatchError, require_known
from study.analysis.contrasts import around
from study.analysis.results import Results
from study.analysis.rows import configurations
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import at, closing, middle, shown
from study.figures.predictions import pairs_of, predicted, present
from study.space.axes import AXES

if TYPE_CHECKING:
    from sd4match.backbones.loading import Backbone
    from sd4match.prompts.base import Prompt

_MOST = 5  # prompts
_QUERIES = 2
_OF_PROMPTS = ("prompt", "template", "length", "source", "global_length", "content_length")


def prompts_of(study: Results) -> dict[str, str]:
    """Configurations that differ in the prompt family alone: label to key, at most five."""
    table = configurations(study.cells)
    base = middle(study)
    trained = [name for name in AXES if name.startswith("train.")]
    near = around(table, base=base, free=(*_OF_PROMPTS, *trained))
    done = set(study.cells.loc[study.cells["status"] == "done", "configuration"])
    found: dict[str, str] = {}
    for key in sorted(near, key=lambda name: name != base):  # of equals the base counts
        if key in done:
            found.setdefault(str(table[key]["prompt"]), key)
    return dict(list(found.items())[:_MOST])


def most_different(positions: np.ndarray, truth: np.ndarray, most: int) -> list[int]:
    """The keypoints that the prompts find at the most different places.

    Args:
        positions: (M, N, 2) of M prompts.
        truth: (N, 2), in the same pixels.
        most: how many.

    Returns:
        Numbers of keypoints, in their order.
    """
    away = np.linalg.norm(positions - truth, axis=-1)
    spread = away.max(axis=0) - away.min(axis=0)
    return sorted(int(i) for i in np.argsort(-spread, kind="stable")[:most])


def _choices(study: Results) -> list[Names]:
    keys = list(prompts_of(study).values())
    if len(keys) < 2:
        return []
    places = present(study, shown(study.cells, keys))
    return [(dataset,) for dataset, _ in places[-1:]]


def _draw(study: Results, names: Names, alpha: float) -> Figure:
    from sd4match import backbones
    from sd4match.features.contents import Contents
    from sd4match.features.latents import Latents
    from sd4match.prediction.one_pair import match_pair
    from sd4match.visualize.correlation_maps import heatmaps

    keys = prompts_of(study)
    places = dict(shown(study.cells, list(keys.values())))
    require_known(names[0], places, what="data set of this study")
    dataset, split = names[0], places[names[0]]
    rows = at(study.index, dataset, split)
    by_key: dict[Hashable, dict[Hashable, Any]] = rows.set_index("configuration").to_dict("index")
    keys = {label: key for label, key in keys.items() if pd.isna(by_key[key]["missing"])}
    found = {label: predicted(study, key, dataset, split) for label, key in keys.items()}
    any_of = next(iter(found.values()))
    if len(names) > 1:
        number = _number(any_of.pairs, names[1])
    else:  # the pair on which prompts differ most
        shares = np.stack([each.shares(alpha) for each in found.values()])
        number = int(np.nanargmax(np.ptp(shares, axis=0)))
    own = any_of.truth.pair == number
    if not own.any():
        raise SD4MatchError(f"pair {any_of.pairs['id'].iloc[number]} has no keypoint")
    queries = most_different(
        np.stack([each.positions[own] for each in found.values()]),
        any_of.truth.keypoints[own],
        _QUERIES,
    )
    (pair,) = pairs_of(study, dataset, split, any_of.pairs.iloc[[number]])
    first = by_key[next(iter(keys.values()))]
    name = str(first["backbone"])
    if backbones.identify(name) is None:
        raise SD4MatchError(f"correlation: the weights of {name} are not on this machine")
    backbone = backbones.load(name)
    store, size = study.folder.store, int(first["image_size"])
    latents = Latents(backbone, size, store.latents)
    contents = Contents(backbone, store.contents)
    settings: dict[str, dict[str, Any]] = {
        label: {axis: int(by_key[key][axis]) for axis in ("timestep", "ensemble", "layer", "seed")}
        for label, key in keys.items()
    }
    matches = {
        label: match_pair(
            backbone,
            _prompt(study, by_key[key], backbone),
            pair,
            latents=latents,
            contents=contents,
            **settings[label],
        )
        for label, key in keys.items()
    }
    common = next(iter(settings.values()))
    return heatmaps(
        pair,
        matches,
        image_size=size,
        queries=queries,
        note=f"{page.titled(dataset, split)}, pair {pair.id}; {name}, t = {common['timestep']}, "
        f"E = {common['ensemble']}, layer {common['layer']}, seed {common['seed']}. "
        f"{closing(study, list(keys.values()))}",
    )


def _number(pairs: pd.DataFrame, wanted: str) -> int:
    found = np.flatnonzero(pairs["id"] == wanted)
    if not len(found):
        raise SD4MatchError(f"correlation: no pair {wanted!r} in this study's subset")
    return int(found[0])


def _prompt(study: Results, row: Mapping[Hashable, Any], backbone: "Backbone") -> "Prompt":
    from sd4match import prompts

    if isinstance(row["tune"], str):
        return prompts.load(study.folder.store.prompt(row["tune"]), backbone)
    if row["prompt"] not in prompts.FAMILIES:
        raise SD4MatchError(
            f"correlation: prompt {row['prompt']} is from a file: use `sd4match show heatmap`"
        )
    template = row["template"] if isinstance(row["template"], str) else None
    return prompts.create(str(row["prompt"]), backbone, template=template)


KIND = Kind(
    name="correlation",
    shows="correlation maps under several prompts",
    lacks="the data set's images, and several prompts that differ in nothing else",
    choices=_choices,
    draw=_draw,
    takes="a data set, and a pair's id",
    counts=(1, 2),
    reads="model",
)
