import gc
import weakref

import pytest
import torch
from diffusers import UNet2DConditionModel

from sd4match import backbones
from sd4match.features.extractor import extract
from sd4match.features.unet import truncate
from sd4match.matching.readout import Place

from ..near import assert_near

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


PLACES = [Place(block, number) for block in LAYERS for number in (1, 2, 3)]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_places_and_their_gradients_are_the_full_unets(place):
    torch.manual_seed(0)
    unet = UNet2DConditionModel(  # three resnets in each up block, as Stable Diffusion has
        block_out_channels=(16, 16, 32, 32),
        norm_num_groups=8,
        attention_head_dim=4,
        cross_attention_dim=128,
    )
    latents, hidden = inputs(12)
    block, number = place
    # The attention of that resnet, where the block has any; the whole UNet runs.
    attentions = getattr(unet.up_blocks[block], "attentions", None)
    maps = []
    hooked = (attentions or unet.up_blocks[block].resnets)[number - 1]
    hook = hooked.register_forward_hook(lambda *call: maps.append(call[-1]))
    unet(latents, 100, hidden)
    hook.remove()
    (expected,) = maps[0] if isinstance(maps[0], tuple) else maps
    found = truncate(unet, place)(latents, 100, hidden).sample
    assert torch.equal(found, expected)
    assert torch.equal(gradient(found, hidden), gradient(expected, hidden))


def test_a_pass_ends_inside_the_block(unet):
    ran = []
    block = unet.up_blocks[1]
    for name, module in (("second", block.resnets[1]), ("upsampler", block.upsamplers[0])):
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
    latents, hidden = inputs(12)
    truncate(unet, Place(1, 1))(latents, 100, hidden)
    assert ran == []
    truncate(unet, 1, read=[Place(1, 1)])(latents, 100, hidden)
    assert ran == ["second", "upsampler"]


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


@pytest.mark.parametrize("layer", [*LAYERS, Place(1, 2)])
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
    short = truncate(unet, 1, read=[Place(1, 2)])
    with torch.no_grad():
        expected = short(latents, 100, hidden).sample
        compiled = torch.compile(short, fullgraph=True, backend="eager")
        found = compiled(latents, torch.tensor(100), hidden).sample
    assert_near(found, expected)


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
