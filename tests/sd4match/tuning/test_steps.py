"""A step of the optimiser: micro-batches, gradient checkpointing, loss scaling."""

import logging

import numpy as np
import pytest
import torch

from sd4match import backbones, prompts
from sd4match.errors import SD4MatchError
from sd4match.features import Contents, Latents
from sd4match.losses import gaussian_cross_entropy
from sd4match.matching.keypoints import to_square
from sd4match.prediction.predictor import predict
from sd4match.tuning import steps
from sd4match.tuning.recipe import TuningSettings
from sd4match.tuning.steps import PromptOptimizer, step_loss

from ..near import assert_near

FAMILIES = {
    "single": {"length": 4},
    "class": {"length": 4, "categories": ["car", "cat"]},
    "cpm": {"global_length": 2, "content_length": 2},
}
TOTAL = 20


@pytest.fixture
def batch(pascal):
    return [pascal["train"][i] for i in (0, 1, 3)]


def optimizer_of(backbone, family="single", side=32, **settings):
    """(prompt, its optimiser) as they are at the start."""
    prompt = prompts.create(family, backbone, **FAMILIES[family])
    recipe = TuningSettings(steps=TOTAL, kernel_size=3, **settings)
    latents, contents = Latents(backbone, side), Contents(backbone)
    optimizer = PromptOptimizer(
        backbone, prompt, recipe, total_steps=TOTAL, latents=latents, contents=contents
    )
    return prompt, optimizer


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
        assert gradient.abs().max() > 0
        assert_near(found[name], gradient, relative=1e-3)


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
        assert_near(found[name], expected[name], relative=1e-4)


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


def steered(monkeypatch):
    """Replace the models: the gradient of each category in a batch is 1 everywhere."""

    def loss(backbone, prompt, pairs, settings, **rest):
        names = {pair.category for pair in pairs}
        own = [prompt.embeddings[prompt.categories.index(name)] for name in sorted(names)]
        return torch.stack(own).sum()

    monkeypatch.setattr(steps, "step_loss", loss)


def test_an_absent_category_goes_on_by_momentum(nano, pascal, monkeypatch):
    """As measured on the original code: 0.010 in its own step, 0.035 in the 11 steps after it."""
    steered(monkeypatch)
    car, cat = [pascal["train"][0]], [pascal["train"][3]]
    prompt, optimizer = optimizer_of(nano, "class")
    path = [prompt.embeddings[0].detach().clone()]
    for number in range(12):
        optimizer.step(car if number == 0 else cat, number)
        path.append(prompt.embeddings[0].detach().clone())
    own, after = (path[0] - path[1]).mean().item(), (path[1] - path[-1]).mean().item()
    assert own == pytest.approx(0.010, abs=1e-5)
    assert after == pytest.approx(0.035, abs=5e-4)
    # The category that was absent first begins with its own first step.
    fresh, optimizer = optimizer_of(nano, "class")
    optimizer.step(car, 0)
    assert torch.equal(fresh.embeddings[1], optimizer_of(nano, "class")[0].embeddings[1])


def test_momentum_goes_on_after_resuming(nano, pascal, monkeypatch):
    steered(monkeypatch)
    batches = [[pascal["train"][i]] for i in (0, 3, 3, 3)]
    whole, optimizer = optimizer_of(nano, "class")
    for number, batch in enumerate(batches):
        optimizer.step(batch, number)
    prompt, optimizer = optimizer_of(nano, "class")
    for number, batch in enumerate(batches):
        optimizer.step(batch, number)
        resumed, other = optimizer_of(nano, "class")
        resumed.load_state_dict(prompt.state_dict())
        other.load_state_dict(optimizer.state_dict())
        prompt, optimizer = resumed, other
    assert all(map(torch.equal, prompt.embeddings, whole.embeddings))


@pytest.mark.parametrize(
    ("settings", "rates"),
    [
        ({"schedule": "constant"}, {0: 1, 7: 1, 19: 1}),
        ({"schedule": "linear"}, {0: 1, 5: 0.75, 10: 0.5, 19: 0.05}),
        ({"schedule": "linear", "warmup_steps": 4}, {0: 0, 2: 0.5, 4: 1, 12: 0.5}),
        ({"schedule": "cosine"}, {0: 1, 5: 0.853553, 10: 0.5, 15: 0.146447}),
        ({"schedule": "constant_with_warmup", "warmup_steps": 5}, {0: 0, 1: 0.2, 5: 1, 19: 1}),
        (
            {"schedule": "piecewise_constant", "step_rules": "1:3,0.1:10,0.01"},
            {0: 1, 2: 1, 3: 0.1, 9: 0.1, 10: 0.01, 19: 0.01},
        ),
    ],
)
def test_the_learning_rate_is_a_function_of_the_step(nano, settings, rates):
    _, optimizer = optimizer_of(nano, "cpm", **settings)
    adam = optimizer._adam
    base = [group["lr"] / max(rates[0], 1e-9) for group in adam.param_groups]
    if rates[0]:
        assert base == pytest.approx([0.01, 0.001])
    for number, factor in reversed(rates.items()):  # in any order, so after resuming too
        optimizer._set_learning_rate(number)
        found = [group["lr"] for group in adam.param_groups]
        assert found == pytest.approx([0.01 * factor, 0.001 * factor], rel=1e-5)


@pytest.mark.slow
def test_fusion_joins_dino_and_learns_through_the_unet_only(nano, pascal, latents):
    pairs = [pascal["train"][i] for i in (0, 1)]
    prompt = prompts.create("single", nano, length=4)
    contents = Contents(nano)
    plain, fused, dots = (
        step_loss(
            nano,
            prompt,
            pairs,
            TuningSettings(steps=1, kernel_size=3, **settings),
            latents=latents,
            contents=contents,
            step=0,
        )
        for settings in ({}, {"fusion": True}, {"l2_normalize": False})
    )
    assert len({plain.item(), fused.item(), dots.item()}) == 3
    assert not any(p.requires_grad for p in nano.image_encoder("dino").model.parameters())
    for loss in (fused, dots):
        prompt.zero_grad()
        loss.backward()
        assert prompt.embeddings.grad.abs().sum() > 0

    # The maps by hand: the loss of fused features without a further normalization.
    images = [(pair, side) for side in ("source", "target") for pair in pairs]
    clean = torch.stack([latents.sample(*image, 0) for image in images])
    found = steps.extract(  # type: ignore[attr-defined]
        nano,
        clean,
        prompt.hidden_states(nano).detach(),
        timestep=261,
        layers=[1],
        noise=[[latents.noise(*image, 0, "step 0")] for image in images],
    )[1]
    hw, side = found.shape[2:], latents.image_size
    dino = torch.stack([contents.dense(*i, image_size=side, hw=tuple(hw)) for i in images])
    half = [0.5 * part / (part.norm(dim=1, keepdim=True) + 1e-6) for part in (found, dino)]
    maps = torch.cat(half, dim=1)
    points = [
        torch.zeros(2, max(len(p.source_keypoints) for p in pairs), 2, dtype=torch.float64)
        for _ in range(2)
    ]
    for row, pair in enumerate(pairs):
        for place, keypoints, size in (
            (points[0], pair.source_keypoints, pair.source_size),
            (points[1], pair.target_keypoints, pair.target_size),
        ):
            place[row, : len(keypoints)] = torch.from_numpy(to_square(keypoints, size, side))
    expected = gaussian_cross_entropy(
        maps[:2],
        maps[2:],
        *points,
        torch.tensor([len(p.source_keypoints) for p in pairs]),
        source_hw=(side, side),
        target_hw=(side, side),
        kernel_size=3,
        l2_normalize=False,
    )
    assert fused.item() == pytest.approx(expected.item(), rel=1e-4)


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
