"""Features as colours."""

import numpy as np
import pytest
import torch
from PIL import Image

from sd4match.errors import SD4MatchError
from sd4match.visualize.principal_colours import Views, fit, pca


@pytest.fixture
def maps():
    generator = torch.Generator().manual_seed(0)
    scales = torch.tensor([5.0, 3.0, 2.0, 0.1, 0.1, 0.1]).view(6, 1, 1)
    return [torch.randn(6, *hw, generator=generator) * scales for hw in ((7, 5), (6, 8))]


def test_colours_are_the_three_main_components(maps):
    """Against NumPy's singular value decomposition."""
    views = fit(maps)
    cells = torch.cat([m.flatten(1).T / (m.flatten(1).norm(dim=0)[:, None] + 1e-6) for m in maps])
    cells = (cells - cells.mean(0)).double().numpy()
    _, values, directions = np.linalg.svd(cells, full_matrices=False)
    assert views.explained == pytest.approx((values[:3] ** 2).sum() / (values**2).sum())
    found = np.concatenate([view.reshape(-1, 3) for view in views.colours])
    assert [view.shape for view in views.colours] == [(7, 5, 3), (6, 8, 3)]
    for i, direction in enumerate(directions[:3]):
        projected = cells @ direction * np.sign(direction[np.abs(direction).argmax()])
        low, high = np.quantile(projected, [0.01, 0.99])
        expected = np.clip((projected - low) / (high - low), 0, 1)
        np.testing.assert_allclose(found[:, i], expected, atol=1e-6)


def test_one_image_alone_looks_otherwise(maps):
    assert not np.allclose(fit(maps).colours[0], fit(maps[:1]).colours[0], atol=0.05)


def test_signs_do_not_depend_on_the_order_of_images(maps):
    forward, backward = fit(maps).colours, fit(maps[::-1]).colours[::-1]
    for one, other in zip(forward, backward, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_features_without_variance_are_one_colour():
    views = fit([torch.ones(4, 3, 3)])
    assert np.isfinite(views.colours[0]).all()
    assert np.ptp(views.colours[0]) == 0


@pytest.mark.parametrize("maps", [[], [torch.ones(2, 3, 3)]])
def test_too_little_is_refused(maps):
    with pytest.raises(SD4MatchError, match="at least one image and three channels"):
        fit(maps)


def test_a_row_an_image_and_a_column_a_layer(maps):
    views = {0: fit(maps), 2: Views([np.zeros((4, 4, 3), np.float32)] * 2, 0.5)}
    images = [("a.png", Image.new("RGB", (30, 20))), ("b.png", Image.new("RGB", (20, 40)))]
    figure = pca(images, views, note="a note")
    assert len(figure.axes) == 6
    for i, (name, image) in enumerate(images):
        first, *others = figure.axes[3 * i : 3 * i + 3]
        assert first.get_title(loc="left") == name
        for axes, view in zip(others, views.values(), strict=True):
            np.testing.assert_array_equal(axes.images[0].get_array(), view.colours[i])
            assert list(axes.images[0].get_extent()) == [0, image.size[0], image.size[1], 0]
    titles = [axes.get_title(loc="left") for axes in figure.axes[1:3]]
    assert titles == [f"layer 0: 7×5, {views[0].explained:.0%}", "layer 2: 4×4, 50%"]
