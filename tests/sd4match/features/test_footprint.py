"""Counted numbers against those of a loaded model."""

import pytest

from sd4match import backbones
from sd4match.features.cost import footprint


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
