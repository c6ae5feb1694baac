import gc
import weakref

import pytest
import torch

from sd4match import backbones
from sd4match.features.extractor import extract
from sd4match.features.unet import truncate

pytestmark = pytest.mark.slow

LAYERS = (0, 1, 2, 3)


@pytest.fixture
def unet():
    return backbones.load("nano", device="cpu").unet


def inputs(side, seed=0):
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(2, 4, side, side, generator=generator)
    return latents, torch.randn(2, 77, 128, generator=generator).requires_grad_()


def full_map(unet, layer, latents, hidden):
    """The map after an up block of the whole UNet."""
    maps = []
    hook = unet.up_blocks[layer].register_forward_hook(lambda *call: maps.append(call[-1]))
    unet(latents, 100, hidden)
    hook.remove()
    return maps[0]


def gradient(features, hidden):
    return torch.autograd.grad(features.square().sum(), hidden)[0]


@pytest.mark.parametrize("side", [32, 12, 9])
@pytest.mark.parametrize("layer", LAYERS)
def test_features_and_gradients_are_the_full_unets(unet, layer, side):
    latents, hidden = inputs(side)
    expected = full_map(unet, layer, latents, hidden)
    found = truncate(unet, layer)(latents, 100, hidden).sample
    assert torch.equal(found, expected)
    reached = gradient(found, hidden)
    assert torch.equal(reached, gradient(expected, hidden))
    assert reached.abs().sum() > 0


def test_the_original_stays_whole_and_shares_its_parameters(unet):
    latents, hidden = inputs(16)
    before = unet(latents, 100, hidden).sample
    names = list(unet.state_dict())
    short = truncate(unet, 1)
    short.register_forward_hook(lambda *_: pytest.fail("ran the truncated one's hook"))
    assert torch.equal(unet(latents, 100, hidden).sample, before)
    assert list(unet.state_dict()) == names
    own = {parameter.data_ptr() for parameter in unet.parameters()}
    shared = [parameter.data_ptr() for parameter in short.parameters()]
    assert set(shared) < own
    assert short.config == unet.config


@pytest.mark.parametrize("layer", LAYERS)
def test_gradient_checkpointing_changes_nothing(unet, layer):
    latents, hidden = inputs(12)
    short = truncate(unet, layer)
    plain = short(latents, 100, hidden).sample
    expected = gradient(plain, hidden)
    short.enable_gradient_checkpointing()
    short.train()
    saved = short(latents, 100, hidden).sample
    assert torch.equal(saved, plain)
    assert torch.equal(gradient(saved, hidden), expected)


def test_it_compiles_as_one_graph(unet):
    latents, hidden = inputs(12)
    short = truncate(unet, 1)
    with torch.no_grad():
        expected = short(latents, 100, hidden).sample
        compiled = torch.compile(short, fullgraph=True, backend="eager")
        found = compiled(latents, torch.tensor(100), hidden).sample
    assert torch.allclose(found, expected, atol=1e-6)


def test_nothing_keeps_a_unet_alive():
    backbone = backbones.load("nano", device="cpu")
    latents, hidden = inputs(16)
    noise = torch.zeros(2, 1, 4, 16, 16)
    with torch.no_grad():
        extract(backbone, latents, hidden, timestep=10, layers=[0, 1], noise=noise)
    alive = weakref.ref(backbone.unet), weakref.ref(backbone.unet.conv_in)
    del backbone
    gc.collect()
    assert [reference() for reference in alive] == [None, None]
