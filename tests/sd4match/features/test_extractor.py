import pytest
import torch

from sd4match import backbones
from sd4match.backbones.text import encode_text
from sd4match.errors import SD4MatchError
from sd4match.features import extract
from sd4match.matching.readout import Place

from ..near import assert_near

SHAPES = {0: (112, 4, 4), 1: (112, 8, 8), 2: (80, 16, 16), 3: (32, 16, 16)}


@pytest.fixture(scope="module")
def nano():
    return backbones.load("nano", device="cpu")


@pytest.fixture(scope="module")
def case(nano):
    """Three images with two draws each, and a prompt for every image."""
    generator = torch.Generator().manual_seed(0)
    prompts = [encode_text(nano, f"a photo of a {word}") for word in ("cat", "red car", "bus")]
    return {
        "latents": torch.randn(3, 4, 16, 16, generator=generator),
        "hidden": torch.cat(prompts),
        "noise": torch.randn(3, 2, 4, 16, 16, generator=generator),
    }


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def test_maps_have_the_layers_shapes(nano, case):
    maps = extract(nano, **case, timestep=50, layers=[3, 0, 1, 2])
    assert {layer: tuple(map_.shape[1:]) for layer, map_ in maps.items()} == SHAPES
    assert {map_.shape[0] for map_ in maps.values()} == {3}
    assert {map_.dtype for map_ in maps.values()} == {torch.float32}


@pytest.mark.slow
def test_one_pass_gives_what_each_layer_alone_gives(nano, case):
    places = [Place(block, number) for block in range(4) for number in (1, 2)]
    together = extract(nano, **case, timestep=50, layers=[0, *places, 1, 2, 3])
    for layer in (0, 1, 2, 3, Place(0, 1), Place(1, 2), Place(2, 2)):
        expected = together[layer]
        alone = extract(nano, **case, timestep=50, layers=[layer])
        assert list(alone) == [layer]
        assert torch.equal(alone[layer], expected)
        assert not any(module._forward_hooks for module in nano.unet.modules())
    assert torch.equal(together[Place(3, 2)], together[3])  # it has no upsampler


def test_no_layers_no_maps(nano, case):
    assert extract(nano, **case, timestep=50, layers=[]) == {}


@pytest.mark.slow
def test_maps_follow_the_definition(nano, case):
    """The mean over draws of the whole UNet's map of noised latents."""
    maps = []
    hook = nano.unet.up_blocks[1].register_forward_hook(lambda *call: maps.append(call[-1]))
    kept = nano.scheduler.alphas_cumprod[50]
    for latent, hidden, draws in zip(*case.values(), strict=True):
        for noise in draws:
            noisy = kept.sqrt() * latent + (1 - kept).sqrt() * noise
            nano.unet(noisy[None], 50, hidden[None])
    hook.remove()
    expected = torch.cat(maps).unflatten(0, (3, 2)).mean(1)
    found = extract(nano, **case, timestep=50, layers=[1])[1]
    assert_near(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [1, 2, 4, 5, 100])
def test_chunks_change_nothing_but_rounding(nano, case, chunk):
    expected = extract(nano, **case, timestep=50, layers=[0, 2])
    found = extract(nano, **case, timestep=50, layers=[0, 2], chunk=chunk)
    for layer in (0, 2):
        assert_near(found[layer], expected[layer])


def test_images_are_independent(nano, case):
    expected = extract(nano, **case, timestep=50, layers=[1])[1]
    swapped = {name: tensor[[2, 0, 1]] for name, tensor in case.items()}
    found = extract(nano, **swapped, timestep=50, layers=[1])[1]
    assert_near(found, expected[[2, 0, 1]])


def test_one_prompt_serves_all(nano, case):
    shared = case | {"hidden": case["hidden"][1:2]}
    repeated = case | {"hidden": case["hidden"][[1, 1, 1]]}
    found = extract(nano, **shared, timestep=50, layers=[1])[1]
    assert_near(found, extract(nano, **repeated, timestep=50, layers=[1])[1])


def test_prompt_and_timestep_move_features(nano, case):
    plain = extract(nano, **case, timestep=50, layers=[1])[1]
    later = extract(nano, **case, timestep=500, layers=[1])[1]
    other = extract(nano, **(case | {"hidden": case["hidden"].flip(0)}), timestep=50, layers=[1])[1]
    assert (plain - later).abs().mean() > 0.1 * plain.std()
    assert (plain[0] - other[0]).abs().mean() > 0.01 * plain.std()


def test_gradients_reach_the_prompt_alone(nano, case):
    with torch.enable_grad():
        hidden = case["hidden"][:1].clone().requires_grad_()
        latents = case["latents"]
        maps = extract(
            nano, latents, hidden, timestep=50, layers=[0, 1], noise=case["noise"], chunk=4
        )
        sum(map_.square().mean() for map_ in maps.values()).backward()
    assert torch.isfinite(hidden.grad).all()
    assert (hidden.grad.abs().sum(-1) > 0).all()
    assert all(parameter.grad is None for parameter in nano.unet.parameters())


@pytest.mark.slow
def test_noise_is_drawn_when_its_turn_comes(nano, case):
    waiting, most = 0, 0

    def drawn(draws):
        nonlocal waiting, most
        for draw in draws:
            waiting += 1
            most = max(most, waiting)
            yield draw

    def served(*_):
        nonlocal waiting
        waiting = 0

    hook = nano.unet.conv_in.register_forward_hook(served)
    noise = [drawn(draws) for draws in case["noise"]]
    found = extract(nano, **(case | {"noise": noise}), timestep=50, layers=[1], chunk=2)[1]
    hook.remove()
    assert torch.equal(found, extract(nano, **case, timestep=50, layers=[1], chunk=2)[1])
    assert most == 2


@pytest.mark.slow
def test_lower_precision_stays_near(nano, case):
    half = backbones.load("nano", device="cpu", dtype="bfloat16")
    expected = extract(nano, **case, timestep=50, layers=[1])[1]
    found = extract(half, **case, timestep=50, layers=[1])[1]
    assert found.dtype == torch.float32
    assert (found - expected).abs().mean() < 0.05 * expected.std()
    assert not torch.equal(found, expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": [0, 4], "timestep": 50}, "layer 4"),
        ({"layers": [1], "timestep": 1000}, "timestep 1000: nano has timesteps 0 to 999"),
    ],
)
def test_impossible_settings_are_refused(nano, case, settings, message):
    with pytest.raises(SD4MatchError, match=message):
        extract(nano, **case, **settings)
