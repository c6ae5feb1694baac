"""The Gaussian cross-entropy: golden values, a literal rewrite of its definition, gradients."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from sd4match.errors import SD4MatchError
from sd4match.losses import gaussian_cross_entropy
from sd4match.matching.correlation import correlate

from .near import assert_near

GOLDEN = {
    name: torch.from_numpy(array)
    for name, array in np.load(Path(__file__).parent / "golden" / "match.npz").items()
}
SIZES = {"source_hw": (40, 50), "target_hw": (60, 30)}


def golden_batch():
    names = ("source_map", "target_map", "source_keypoints", "target_keypoints", "n_keypoints")
    sizes = {f"{side}_hw": tuple(GOLDEN[f"{side}_size"].tolist()) for side in ("source", "target")}
    return [GOLDEN[name] for name in names], sizes


def batch(seed=0, *, b=2, c=4, n=3, counts=(3, 2), dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    maps = (torch.randn(b, c, 5, 6, generator=g, dtype=dtype) for _ in range(2))
    keypoints = (
        torch.rand(b, n, 2, generator=g, dtype=dtype) * (torch.tensor(SIZES[hw][::-1]) - 1)
        for hw in ("source_hw", "target_hw")
    )
    return [*maps, *keypoints, torch.tensor(counts)]


def literal(source, target, source_kp, target_kp, counts, *, temperature=0.04, kernel_size=7):
    """docs/explanation/method.md section 1 item 6 in loops, from a table of probabilities."""
    (h, w), (h2, w2) = source.shape[-2:], target.shape[-2:]
    sigma = (kernel_size // 2) / 2
    pairs = []
    for b, count in enumerate(counts.tolist()):
        losses = []
        for n in range(count):
            (sh, sw), (th, tw) = SIZES["source_hw"], SIZES["target_hw"]
            # As tensors the factors would be float32: the positions then differ in the 7th digit.
            query = source_kp[b, n].clone()
            query[0] *= (w - 1) / (sw - 1)
            query[1] *= (h - 1) / (sh - 1)
            x, y = target_kp[b, n].tolist()
            x, y = x * (w2 - 1) / (tw - 1), y * (h2 - 1) / (th - 1)
            row = correlate(source[b : b + 1], target[b : b + 1], query.view(1, 1, 2))[0, 0]
            p = (row / temperature).flatten().softmax(0).view(h2, w2).numpy()
            total = 0.0
            reach = range(-(kernel_size // 2), kernel_size // 2 + 1)
            for px, py, r2 in ((x + i, y + j, i * i + j * j) for i in reach for j in reach):
                if not (0 < px < w2 - 1 and 0 < py < h2 - 1):
                    continue
                i, j = math.floor(px), math.floor(py)
                u, v = px - i, py - j
                q = (1 - v) * ((1 - u) * p[j, i] + u * p[j, i + 1])
                q += v * ((1 - u) * p[j + 1, i] + u * p[j + 1, i + 1])
                weight = math.exp(-r2 / (2 * sigma**2)) / (2 * math.pi * sigma**2)
                total -= weight * math.log(q)
            losses.append(total)
        if losses:
            pairs.append(sum(losses) / len(losses))
    return sum(pairs) / len(pairs)


@pytest.mark.parametrize("temperature", [0.04, 0.08])
def test_golden(temperature):
    inputs, sizes = golden_batch()
    loss = gaussian_cross_entropy(*inputs, **sizes, temperature=temperature)
    assert_near(loss, GOLDEN[f"loss_t{temperature}"])


@pytest.mark.parametrize(("dtype", "relative"), [(torch.float16, 1e-4), (torch.bfloat16, 2e-3)])
def test_half_maps_give_a_float32_loss(dtype, relative):
    inputs, sizes = golden_batch()
    loss = gaussian_cross_entropy(inputs[0].to(dtype), inputs[1].to(dtype), *inputs[2:], **sizes)
    assert loss.dtype == torch.float32
    assert_near(loss, GOLDEN["loss_t0.04"], relative=relative)


@pytest.mark.slow
@given(
    seed=st.integers(0, 2**20),
    kernel_size=st.sampled_from([3, 5, 7, 9]),
    temperature=st.floats(0.03, 1),
    counts=st.sampled_from([(3, 3), (3, 1), (0, 2)]),
)
@settings(max_examples=25, deadline=None)
def test_as_defined(seed, kernel_size, temperature, counts):
    inputs = batch(seed, counts=counts)
    kwargs = {"temperature": temperature, "kernel_size": kernel_size}
    expected = literal(*inputs, **kwargs)
    assert gaussian_cross_entropy(*inputs, **SIZES, **kwargs).item() == pytest.approx(expected)


def test_samples_on_the_border_are_masked():
    # A 5 x 6 map for a 9 x 11 image: pixel (2, 4) is cell (1, 2), and the window's samples fall on
    # cells. Those of columns 0 and 5 and of rows 0 and 4 are on the border: 4 x 3 cells count.
    source, target, source_kp, _, counts = batch(b=1, n=1, counts=(1,))
    sizes = {"source_hw": SIZES["source_hw"], "target_hw": (9, 11)}
    target_kp = torch.tensor([[[2.0, 4.0]]])
    loss = gaussian_cross_entropy(source, target, source_kp, target_kp, counts, **sizes)
    query = source_kp * torch.tensor([5 / 49, 4 / 39])
    log_p = (correlate(source, target, query)[0, 0] / 0.04).flatten().log_softmax(0).view(5, 6)
    y, x = torch.meshgrid(torch.arange(1, 4), torch.arange(1, 5), indexing="ij")
    weights = torch.exp(-((x - 1) ** 2 + (y - 2) ** 2) / (2 * 1.5**2)) / (2 * math.pi * 1.5**2)
    torch.testing.assert_close(loss, -(weights * log_p[1:4, 1:5]).sum())


def test_a_keypoint_clamped_to_the_border_counts():
    """At this size float32 arithmetic would move it to the last cell, where it does not count."""
    inputs = batch(b=1, n=1, counts=(1,), dtype=torch.float32)
    inputs[1] = torch.zeros(1, 4, 48, 48)  # every cell is as probable: only weights differ
    border = torch.full((1, 1, 2), 2044 - 1 - 1e-4)
    clamped, inside = (
        gaussian_cross_entropy(
            *inputs[:3], target, inputs[4], source_hw=(40, 50), target_hw=(2044, 2044)
        )
        for target in (border, border - 0.01)
    )
    assert_near(clamped, inside)


@pytest.mark.parametrize("position", [(0.0, 0.0), (29.0, 59.0), (29.0, 30.0), (-500.0, 1e7)])
def test_gradients_are_finite_where_samples_are_masked(position):
    inputs = batch(b=1, n=1, counts=(1,), dtype=torch.float32)
    inputs[3] = torch.tensor([[position]])
    for features in inputs[:2]:
        features.requires_grad_()
    loss = gaussian_cross_entropy(*inputs, **SIZES, temperature=0.001)
    loss.backward()
    assert loss.isfinite()
    assert all(features.grad.isfinite().all() for features in inputs[:2])


def test_tiny_probabilities_keep_their_logarithm():
    inputs = batch(b=1, n=1, counts=(1,), dtype=torch.float32)
    loss = gaussian_cross_entropy(*inputs, **SIZES, temperature=1e-3)
    double = [tensor.double() for tensor in inputs[:4]]
    exact = gaussian_cross_entropy(*double, inputs[4], **SIZES, temperature=1e-3)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-4)
    assert loss > 100  # log p below what float32 can hold as a p


@pytest.mark.parametrize("padding", [0.0, -7.0, float("nan"), float("inf")])
def test_padding_has_no_influence(padding):
    inputs = batch(counts=(3, 1))
    inputs[0].requires_grad_()
    expected = gaussian_cross_entropy(*inputs, **SIZES)
    (gradient,) = torch.autograd.grad(expected, inputs[0])
    for keypoints in inputs[2:4]:
        keypoints[1, 1:] = padding
    loss = gaussian_cross_entropy(*inputs, **SIZES)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(torch.autograd.grad(loss, inputs[0])[0], gradient)


def test_pairs_without_keypoints_do_not_count():
    one = gaussian_cross_entropy(*(t[:1] for t in batch(counts=(3, 0))), **SIZES)
    both = gaussian_cross_entropy(*batch(counts=(3, 0)), **SIZES)
    torch.testing.assert_close(one, both)


@pytest.mark.parametrize("n", [0, 3])
def test_an_empty_batch_is_zero_with_a_graph(n):
    inputs = batch(n=n, counts=(0, 0))
    inputs[0].requires_grad_()
    loss = gaussian_cross_entropy(*inputs, **SIZES)
    loss.backward()
    assert loss.item() == 0
    assert inputs[0].grad.eq(0).all()


@pytest.mark.slow
@pytest.mark.parametrize("l2_normalize", [True, False])
def test_gradcheck(l2_normalize):
    inputs = batch(c=3, n=2, counts=(2, 1))
    for features in inputs[:2]:
        features.requires_grad_()

    def loss(source, target):
        settings = {"temperature": 0.5, "l2_normalize": l2_normalize, **SIZES}
        return gaussian_cross_entropy(source, target, *inputs[2:], **settings)

    assert torch.autograd.gradcheck(loss, inputs[:2])


@pytest.mark.slow
def test_descent_finds_the_match():
    inputs = batch(b=1, c=8, n=1, counts=(1,), dtype=torch.float32)
    source = inputs[0].requires_grad_()
    optimizer = torch.optim.Adam([source], lr=0.1)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = gaussian_cross_entropy(*inputs, **SIZES)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"kernel_size": 4}, "odd"),
        ({"kernel_size": 1}, "at least 3"),
        ({"kernel_size": 7.0}, "kernel_size"),
        ({"temperature": 0}, "temperature"),
        ({"source_hw": (1, 40)}, "image size"),
        ({"target_hw": (40,)}, "image size"),
    ],
)
def test_settings_are_checked(kwargs, says):
    with pytest.raises(SD4MatchError, match=says) as error:
        gaussian_cross_entropy(*batch(), **{**SIZES, **kwargs})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("which", "shape"), [(2, (2, 3)), (3, (2, 2, 2)), (4, (3,)), (4, ()), (0, (1, 4, 5, 6))]
)
def test_shapes_are_checked(which, shape):
    inputs = batch()
    inputs[which] = torch.zeros(shape)
    with pytest.raises(SD4MatchError, match="expected"):
        gaussian_cross_entropy(*inputs, **SIZES)
