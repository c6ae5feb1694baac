"""One pair looked at closely: the same answers as predictions of whole data sets."""

import shutil

import numpy as np
import pytest

from sd4match import prompts
from sd4match.datasets.own_images import image_pair
from sd4match.errors import SD4MatchError
from sd4match.matching.keypoints import cells_to_original
from sd4match.matching.readout import Readout
from sd4match.prediction.one_pair import features, match_pair
from sd4match.prediction.predictor import predict

from ..near import assert_near

SETTINGS = {"timestep": 50, "ensemble": 2, "seed": 4}


@pytest.mark.slow
@pytest.mark.parametrize("localizer", ["nearest", "bilinear", "kernel_softmax", "dense"])
@pytest.mark.parametrize(("split", "index"), [("test", 0), ("train", 1)])
@pytest.mark.parametrize("family", ["text", "Pair-DINO-Feat-G2-C3"])
def test_agrees_with_predict_to_the_bit(nano, pascal, latents, localizer, split, index, family):
    prompt = prompts.create(family, nano)
    readout = Readout(localizer)
    pairs = pascal[split].subset([index])
    found = match_pair(
        nano, prompt, pairs[0], layer=2, readout=readout, latents=latents, **SETTINGS
    )
    expected = predict(nano, prompt, pairs, settings=[(2, readout)], latents=latents, **SETTINGS)[0]
    np.testing.assert_array_equal(found.positions, expected)


def test_an_image_with_itself_is_as_in_predict(nano, pascal, latents):
    """There it is extracted once, here twice: another batch has other last bits."""
    pairs = pascal["test"].subset([5])
    text = prompts.create("text", nano)
    found = match_pair(nano, text, pairs[0], latents=latents, **SETTINGS).positions
    expected = predict(nano, text, pairs, latents=latents, **SETTINGS)[0]
    assert_near(found, expected)


def test_the_peak_is_where_the_nearest_neighbour_is(nano, pascal, latents):
    pair = pascal["test"][0]
    found = match_pair(
        nano,
        prompts.create("empty", nano),
        pair,
        readout=Readout("nearest"),
        latents=latents,
        **SETTINGS,
    )
    n, h, w = found.correlation.shape
    assert n == len(pair.source_keypoints)
    rows, columns = np.unravel_index(found.correlation.reshape(n, -1).argmax(1), (h, w))
    cells = np.stack([columns, rows], axis=-1)
    where = cells_to_original(cells, pair.target_size, latents.image_size, (h, w))
    np.testing.assert_allclose(found.positions, where, rtol=1e-6)
    np.testing.assert_array_equal(found.peaks, found.correlation[np.arange(n), rows, columns])
    assert (found.peaks <= 1 + 1e-6).all()


def test_own_files_are_matched_as_a_data_set_is(nano, pascal, latents, tmp_path):
    """The same bytes under another name have the same noise, and so the same matches."""
    pair = pascal["test"][0]
    text = prompts.create("text", nano)
    files = [tmp_path / "mine.jpg", tmp_path / "yours.jpg"]
    for path, file in zip((pair.source_path, pair.target_path), files, strict=True):
        shutil.copy(path, file)
    expected = match_pair(nano, text, pair, latents=latents, **SETTINGS)
    with image_pair(*files, points=pair.source_keypoints.tolist(), category="cat") as own:
        found = match_pair(nano, text, own, latents=latents, **SETTINGS)
    np.testing.assert_array_equal(found.positions, expected.positions)


def test_a_category_is_needed_only_where_the_prompt_names_one(nano, pascal, latents):
    pair = pascal["test"][0]
    with image_pair(pair.source_path, pair.target_path, points=[(3, 4)]) as own:
        for family in ("empty", "Pair-DINO-Feat-G2-C3"):
            prompt = prompts.create(family, nano)
            assert match_pair(nano, prompt, own, latents=latents, **SETTINGS).positions.size == 2
        with pytest.raises(SD4MatchError, match="text prompt needs the category of the images"):
            match_pair(nano, prompts.create("text", nano), own, latents=latents, **SETTINGS)


def test_features_of_each_layer(nano, pascal, latents):
    pair = pascal["test"][0]
    found = features(
        nano,
        prompts.create("empty", nano),
        [(pair, "source"), (pair, "target")],
        layers=[0, 3],
        latents=latents,
        **SETTINGS,
    )
    shapes = [{layer: tuple(m.shape) for layer, m in maps.items()} for maps in found]
    assert shapes == [{0: (112, 4, 4), 3: (32, 16, 16)}] * 2
