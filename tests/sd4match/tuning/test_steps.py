"""A step of the optimiser: micro-batches, gradient checkpointing, loss scaling."""

import logging

import numpy as np
import pytest
import torch

from sd4match import backbones, prompts
from sd4match.errors import SD4MatchError
from sd4match.features import Contents, Latents
from sd4match.prediction.predictor import predict
from sd4match.tuning import steps
from sd4match.tuning.recipe import TuningSettings
from sd4match.tuning.steps import PromptOptimizer, step_loss

FAMILIES = {
    "single": {"length": 4},
    "class": {"length": 4, "categories": ["car", "cat"]},
    "cpm": {"global_length": 2, "content_length": 2},
}


@pytest.fixture
def batch(pascal):
    return [pascal["train"][i] for i in (0, 1, 3)]


def optimizer_of(backbone, family="single", side=32, **settings):
    """(prompt, its optimiser) as they are at the start."""
    prompt = prompts.create(family, backbone, **FAMILIES[family])
    recipe = TuningSettings(steps=1, kernel_size=3, **settings)
    latents, contents = Latents(backbone, side), Contents(backbone)
    return prompt, PromptOptimizer(backbone, prompt, recipe, latents=latents, contents=contents)


def gradients(prompt):
    return {name: p.grad.clone() for name, p in prompt.named_parameters() if p.grad is not None}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_micro_batches_add_up_to_the_batch(nano, batch, family, size):
    whole, optimizer = optimizer_of(nano, family)
    loss = optimizer.step(batch, 0)
    parts, optimizer = optimizer_of(nano, family, micro_batch=size)
    assert optimizer.step(batch, 0) == pytest.approx(loss, rel=1e-4)
    expected = gradients(whole)
    found = gradients(parts)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        scale = gradient.abs().max()
        assert scale > 0
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-3 * scale.item())


def kept(step):
    """How many numbers a step keeps for its backward pass, outside of checkpoints."""
    held = 0

    def pack(tensor):
        nonlocal held
        held += tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        step()
    return held


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_checkpointing_gives_the_same_gradients_for_less_memory(nano, batch, family):
    plain, optimizer = optimizer_of(nano, family)
    all_kept = kept(lambda: optimizer.step(batch, 0))
    short, optimizer = optimizer_of(nano, family, checkpointing=True)
    assert kept(lambda: optimizer.step(batch, 0)) < 0.7 * all_kept
    expected, found = gradients(plain), gradients(short)
    assert expected.keys() == found.keys()
    for name in expected:  # to the bit with one thread
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_checkpointing_leaves_the_shared_models_as_they_were(nano, pascal, batch):
    def flags():
        modules = nano.unet.modules()
        return {m.gradient_checkpointing for m in modules if hasattr(m, "gradient_checkpointing")}

    _, optimizer = optimizer_of(nano, checkpointing=True)
    prompt = prompts.create("empty", nano)
    before = predict(nano, prompt, pascal["val"], ensemble=1, image_size=32)
    assert flags() == {False}
    optimizer.step(batch, 0)
    assert flags() == {False}
    after = predict(nano, prompt, pascal["val"], ensemble=1, image_size=32)
    assert (after == before).all()
    broken = [*batch[:1], None]
    with pytest.raises(AttributeError):
        optimizer.step(broken, 1)
    assert flags() == {False}


@pytest.fixture(scope="module")
def half():
    return backbones.load("nano", device="cpu", dtype="float16")


def scale_up(optimizer, scale):
    """Begin at a scale of the loss at which nano's gradients do overflow, or at another."""
    state = optimizer.state_dict()
    state["scaler"] = {**state["scaler"], "scale": scale}
    optimizer.load_state_dict(state)


@pytest.mark.slow
def test_float16_scales_the_loss_until_nothing_overflows(half, nano, batch, caplog):
    prompt, optimizer = optimizer_of(half)
    scale_up(optimizer, 2.0**30)
    start = prompt.embeddings.detach().clone()
    with caplog.at_level(logging.INFO, logger="sd4match.tuning.steps"):
        optimizer.step(batch[:1], 0)
    assert optimizer.overflows == 1
    assert "overflow at loss scale 1.07374e+09" in caplog.text
    assert torch.equal(prompt.embeddings, start)
    steps = 1
    while optimizer.overflows == steps:
        optimizer.step(batch[:1], 0)
        steps += 1
        assert steps < 30
    assert (prompt.embeddings - start).abs().amax() > 0
    # Scaled back, the gradient is that of float32.
    exact, full = optimizer_of(nano)
    full.step(batch[:1], 0)
    error = (prompt.embeddings.grad - exact.embeddings.grad).norm()
    assert error < 0.1 * exact.embeddings.grad.norm()


@pytest.mark.slow
def test_overflow_without_end_is_an_error(half, batch):
    prompt, optimizer = optimizer_of(half)
    start = prompt.embeddings.detach().clone()
    prompt.embeddings.register_hook(lambda gradient: gradient * torch.inf)
    scale_up(optimizer, 2.0)
    optimizer.step(batch[:1], 0)
    with pytest.raises(SD4MatchError, match="gradient is not finite in step 2: use dtype bfloat16"):
        optimizer.step(batch[:1], 1)
    assert optimizer.overflows == 1
    assert torch.equal(prompt.embeddings, start)


@pytest.mark.slow
def test_the_state_goes_on_with_scale_and_count(half, batch):
    prompt, optimizer = optimizer_of(half)
    scale_up(optimizer, 2.0**30)
    optimizer.step(batch[:1], 0)
    other, resumed = optimizer_of(half)
    resumed.load_state_dict(optimizer.state_dict())
    assert resumed.overflows == 1
    assert resumed.state_dict()["scaler"]["scale"] == 2.0**29
    start = prompt.embeddings.detach().clone()
    for number in range(1, 30):  # long enough to come down to a scale that fits
        optimizer.step(batch[:1], number)
        resumed.step(batch[:1], number)
    assert torch.equal(other.embeddings, prompt.embeddings)
    assert not torch.equal(prompt.embeddings, start)


@pytest.mark.slow
def test_other_dtypes_scale_nothing(nano, batch):
    prompt, optimizer = optimizer_of(nano)
    prompt.embeddings.register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(SD4MatchError, match="gradient is not finite in step 1: use a lower"):
        optimizer.step(batch, 0)
    assert optimizer.overflows == 0
    assert optimizer.state_dict()["scaler"] == {}


@pytest.mark.slow
def test_bfloat16_learns(batch):
    prompt, optimizer = optimizer_of(backbones.load("nano", device="cpu", dtype="bfloat16"))
    start = prompt.embeddings.detach().clone()
    optimizer.step(batch, 0)
    assert prompt.embeddings.dtype == torch.float32
    assert ((prompt.embeddings - start).abs().amax(1) > 0).all()


@pytest.mark.slow
def test_a_class_prompt_learns_the_categories_of_the_batch(nano, pascal, latents):
    pairs = [pascal["train"][i] for i in (0, 1, 3)]  # car, car, cat
    prompt = prompts.create("class", nano, length=3, categories=["car", "cat", "dog"])
    recipe = TuningSettings(steps=1, kernel_size=3)
    step_loss(
        nano, prompt, pairs, recipe, latents=latents, contents=Contents(nano), step=0
    ).backward()
    car, cat, dog = prompt.embeddings
    assert car.grad.abs().sum() > 0
    assert cat.grad.abs().sum() > 0
    assert dog.grad is None


@pytest.mark.slow
def test_the_batch_loss_is_the_mean_of_its_pairs(nano, pascal, latents):
    pairs = [pascal["train"][i] for i in (0, 1, 3)]
    prompt = prompts.create("single", nano, length=4)
    recipe = TuningSettings(steps=1, kernel_size=3)
    whole, *each = (
        step_loss(
            nano, prompt, batch, recipe, latents=latents, contents=Contents(nano), step=5
        ).item()
        for batch in (pairs, *([pair] for pair in pairs))
    )
    assert whole == pytest.approx(np.mean(each), rel=1e-4)


def test_sources_and_targets_are_one_batch_of_the_unet(nano, pascal, latents, monkeypatch):
    sizes = []
    extract = steps.extract  # type: ignore[attr-defined]

    def watched(backbone, images, hidden, *, noise, chunk, **rest):
        sizes.append((len(images), len(hidden), [len(draws) for draws in noise], chunk))
        return extract(backbone, images, hidden, noise=noise, chunk=chunk, **rest)

    monkeypatch.setattr(steps, "extract", watched)
    prompt = prompts.create("single", nano, length=4)
    pairs = [pascal["train"][i] for i in (0, 1, 3)]
    recipe = TuningSettings(steps=1, kernel_size=3)
    step_loss(nano, prompt, pairs, recipe, latents=latents, contents=Contents(nano), step=0)
    assert sizes == [(6, 1, [1] * 6, 6)]


@pytest.mark.slow
def test_every_step_has_its_own_noise(nano, pascal, latents):
    prompt = prompts.create("single", nano, length=4)
    recipe = TuningSettings(steps=1, kernel_size=3)
    pairs = [pascal["train"][0]]
    first, again, later = (
        step_loss(
            nano, prompt, pairs, recipe, latents=latents, contents=Contents(nano), step=step
        ).item()
        for step in (0, 0, 1)
    )
    assert first == again != later
