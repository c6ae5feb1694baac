"""Correlation and localisation: golden vectors, shapes, errors, gradients, properties."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from sd4match.errors import SD4MatchError
from sd4match.matching.correlation import correlate
from sd4match.matching.localization import localize, match, match_many
from sd4match.matching.readout import CELL_LOCALIZERS, Readout

from ..near import assert_near

GOLDEN = {
    name: torch.from_numpy(array)
    for name, array in np.load(Path(__file__).parents[1] / "golden" / "match.npz").items()
}


MAPS = (GOLDEN["source_map"], GOLDEN["target_map"], GOLDEN["queries"])


SIGMAS = (1.0, 2.0, 3.0, 5.0, 7.0, 9.0, 11.0, 15.0)


ALL = [*(Readout(name) for name in CELL_LOCALIZERS[:3]), *(Readout(kernel_sigma=s) for s in SIGMAS)]


def random_maps(seed=0, *, b=2, c=6, hw=(7, 9), hw2=(8, 6), n=5, dtype=torch.float32):
    g = torch.Generator().manual_seed(seed)
    source = torch.randn(b, c, *hw, generator=g, dtype=dtype)
    target = torch.randn(b, c, *hw2, generator=g, dtype=dtype)
    queries = torch.rand(b, n, 2, generator=g, dtype=dtype) * torch.tensor([hw[1] - 1, hw[0] - 1])
    return source, target, queries


def direct(source, target, query):
    """One query of one pair, written out in NumPy's float64: the map of cosines."""
    source, target = source.double().numpy(), target.double().numpy()
    x, y = (float(v) for v in query)
    x0, y0 = min(int(x), source.shape[2] - 2), min(int(y), source.shape[1] - 2)
    u, v = x - x0, y - y0
    sample = (
        (1 - v) * ((1 - u) * source[:, y0, x0] + u * source[:, y0, x0 + 1])
        + v * ((1 - u) * source[:, y0 + 1, x0] + u * source[:, y0 + 1, x0 + 1])
    )  # fmt: skip
    sample = sample / (np.linalg.norm(sample) + 1e-6)
    target = target / (np.linalg.norm(target, axis=0) + 1e-6)
    return np.einsum("c,chw->hw", sample, target)


def golden_cases():
    for name in GOLDEN:
        localizer, *numbers = name.replace("_without_l2", "").split("_t")
        if localizer in CELL_LOCALIZERS:
            temperature, *sigma = numbers[0].split("_s") if numbers else ("0.04",)
            readout = Readout(localizer, float(sigma[0]) if sigma else 7.0, float(temperature))
            yield pytest.param(name, readout, id=name)


def test_golden_has_every_localizer():
    assert {case.values[1].localizer for case in golden_cases()} == set(CELL_LOCALIZERS)
    assert len(list(golden_cases())) == 9


@pytest.mark.parametrize(("name", "readout"), list(golden_cases()))
def test_golden(name, readout):
    found = match(
        *MAPS,
        localizer=readout.localizer,
        kernel_sigma=readout.kernel_sigma or 7.0,
        temperature=readout.temperature or 0.04,
        l2_normalize="without_l2" not in name,
    )
    torch.testing.assert_close(found, GOLDEN[name], atol=1e-4, rtol=0)


def test_golden_from_one_correlation():
    cases = [case.values for case in golden_cases() if "without_l2" not in case.id]
    found = match_many(*MAPS, [readout for _, readout in cases])
    for (name, _), positions in zip(cases, found, strict=True):
        torch.testing.assert_close(positions, GOLDEN[name], atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("b", "n", "hw", "hw2"),
    [
        (1, 1, (2, 2), (3, 4)),
        (3, 5, (6, 4), (2, 7)),
        (2, 0, (4, 4), (4, 4)),
        (1, 3, (1, 1), (1, 1)),
    ],
)
def test_cardinality(b, n, hw, hw2):
    maps = random_maps(b=b, n=n, hw=hw, hw2=hw2)
    correlation = correlate(*maps)
    assert correlation.shape == (b, n, *hw2)
    assert localize(correlation).shape == (b, n, 2)
    assert localize(correlation, kernel_sigma=[1, 2, 3]).shape == (3, b, n, 2)
    assert match_many(*maps, readouts=ALL).shape == (len(ALL), b, n, 2)
    for localizer in CELL_LOCALIZERS:
        assert match(*maps, localizer=localizer).shape == (b, n, 2)
        assert match(*maps, localizer=localizer, kernel_sigma=(1, 2)).shape == (2, b, n, 2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_maps_are_matched_in_float32(dtype):
    source, target, queries = random_maps(c=32)
    source, target = source.to(dtype), target.to(dtype)
    found = match_many(source, target, queries, ALL)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, match_many(source.float(), target.float(), queries, ALL))


def test_float64_stays():
    source, target, queries = random_maps(dtype=torch.float64)
    assert correlate(source, target, queries).dtype == torch.float64
    expected = direct(source[1], target[1], queries[1, 2])
    np.testing.assert_allclose(correlate(source, target, queries)[1, 2], expected, atol=1e-12)


def test_ties_go_to_the_first_cell():
    assert localize(torch.ones(1, 1, 3, 4), localizer="nearest").tolist() == [[[0, 0]]]


def test_the_kernel_multiplies_negative_correlations_towards_zero():
    # SFNet's definition taken literally: far from a negative peak, the product is largest.
    correlation = torch.full((1, 1, 1, 9), -1.0)
    correlation[..., 1] = -0.9
    assert localize(correlation, kernel_sigma=1.0)[0, 0, 0] > 5
    assert localize(correlation, localizer="softmax")[0, 0, 0] < 3


@pytest.mark.slow
@given(seed=st.integers(0, 2**20))
@settings(max_examples=25, deadline=None)
def test_a_map_matches_itself(seed):
    source, _, _ = random_maps(seed, c=16)
    g = torch.Generator().manual_seed(seed)
    cells = torch.stack(
        [torch.randint(0, 9, (2, 5), generator=g), torch.randint(0, 7, (2, 5), generator=g)], dim=-1
    ).float()
    for localizer in CELL_LOCALIZERS:
        found = match(source, source, cells, localizer=localizer, temperature=0.01, kernel_sigma=2)
        torch.testing.assert_close(found, cells, atol=0.05, rtol=0)


@given(seed=st.integers(0, 2**20), dx=st.integers(0, 3), dy=st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_shifting_the_target_shifts_the_match(seed, dx, dy):
    correlation = torch.zeros(1, 2, 30, 30)
    patch = torch.rand(2, 5, 5, generator=torch.Generator().manual_seed(seed)) + 0.5
    correlation[0, :, 12:17, 12:17] = patch
    shifted = correlation.roll((dy, dx), dims=(-2, -1))
    for localizer, atol in (("nearest", 0), ("kernel_softmax", 1e-3)):
        a, b = (
            localize(c, localizer=localizer, kernel_sigma=1.5, temperature=0.01)
            for c in (correlation, shifted)
        )
        torch.testing.assert_close(
            b - a, torch.tensor([dx, dy]).expand_as(a).float(), atol=atol, rtol=0
        )


@pytest.mark.slow
@given(
    seed=st.integers(0, 2**20),
    readouts=st.lists(
        st.builds(
            Readout,
            st.sampled_from(CELL_LOCALIZERS),
            st.floats(0.5, 20),
            st.floats(0.01, 1),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    ),
)
@settings(max_examples=40, deadline=None)
def test_many_is_the_same_as_one_by_one(seed, readouts):
    maps = random_maps(seed)
    many = match_many(*maps, readouts=readouts)
    for readout, found in zip(readouts, many, strict=True):
        l2 = readout.l2_normalize
        kwargs = {
            "localizer": readout.localizer,
            "kernel_sigma": readout.kernel_sigma or 7,
            "temperature": readout.temperature or 0.04,
        }
        one = match(*maps, l2_normalize=l2, **kwargs)
        # Without normalisation logits reach hundreds, and rounding grows with them.
        torch.testing.assert_close(found, one, atol=1e-4 if l2 else 5e-2, rtol=0)
        if readout.localizer != "bilinear":
            apart = localize(correlate(*maps, l2_normalize=l2), **kwargs)
            torch.testing.assert_close(one, apart, atol=1e-6, rtol=0)


@pytest.mark.parametrize("n", [1, 7, 20])
def test_an_answer_is_the_same_to_the_bit_whatever_else_is_asked(n):
    maps = random_maps(b=1, c=64, hw=(24, 24), hw2=(24, 24), n=n)
    readouts = [*ALL, *(replace(readout, l2_normalize=False) for readout in ALL)]
    together = match_many(*maps, readouts=readouts)
    apart = [match_many(*maps, readouts=[readout])[0] for readout in readouts]
    assert torch.equal(together, torch.stack(apart))


@given(seed=st.integers(0, 2**20), temperature=st.floats(0.01, 1))
@settings(max_examples=25, deadline=None)
def test_an_infinitely_wide_kernel_is_a_plain_softmax(seed, temperature):
    maps = random_maps(seed, dtype=torch.float64)
    wide = match(*maps, kernel_sigma=1e6, temperature=temperature)
    plain = match(*maps, localizer="softmax", temperature=temperature)
    torch.testing.assert_close(wide, plain, atol=1e-7, rtol=0)


@given(seed=st.integers(0, 2**20), sigma=st.floats(0.5, 20), temperature=st.floats(0.02, 1))
@settings(max_examples=25, deadline=None)
def test_kernel_softmax_as_written_in_the_paper(seed, sigma, temperature):
    source, target, queries = random_maps(seed, b=1, n=1, dtype=torch.float64)
    correlation = direct(source[0], target[0], queries[0, 0])
    y, x = np.mgrid[: correlation.shape[0], : correlation.shape[1]]
    py, px = np.unravel_index(correlation.argmax(), correlation.shape)
    kernel = np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2))
    p = np.exp(correlation * kernel / temperature)
    expected = [(p * x).sum() / p.sum(), (p * y).sum() / p.sum()]
    found = match(source, target, queries, kernel_sigma=sigma, temperature=temperature)
    np.testing.assert_allclose(found[0, 0], expected, atol=1e-9)


@given(seed=st.integers(0, 2**20))
@settings(max_examples=15, deadline=None)
def test_length_of_a_descriptor_does_not_matter(seed):
    source, target, queries = random_maps(seed, c=16, dtype=torch.float64)
    scale = 1 + torch.rand(2, 1, 8, 6, dtype=torch.float64)
    a, b = (correlate(3 * source, t, queries) for t in (target, target * scale))
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("localizer", ["softmax", "kernel_softmax"])
def test_gradcheck_match(localizer):
    inputs = random_maps(b=1, c=3, hw=(3, 4), hw2=(3, 3), n=2, dtype=torch.float64)
    for tensor in inputs:
        tensor.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda *a: match(*a, localizer=localizer, kernel_sigma=2, temperature=0.5), inputs
    )


def test_gradients_flow_when_every_localizer_is_asked():
    source, target, queries = random_maps()
    target.requires_grad_()
    match_many(source, target, queries, ALL)[3].sum().backward()
    alone = target.grad.clone()
    target.grad = None
    match(source, target, queries, kernel_sigma=SIGMAS[0]).sum().backward()
    assert alone.abs().sum() > 0
    assert_near(alone, target.grad)


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"localizer": "kernelsoftmax"}, "did you mean 'kernel_softmax'"),
        ({"localizer": "bilinear"}, r"match\("),
        ({"kernel_sigma": 0}, "kernel_sigma"),
        ({"kernel_sigma": [7, -1]}, "kernel_sigma"),
        ({"kernel_sigma": []}, "empty"),
        ({"kernel_sigma": None}, "kernel_sigma"),
        ({"kernel_sigma": "7"}, "kernel_sigma"),
        ({"temperature": 0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": True}, "temperature"),
    ],
)
def test_localize_names_the_mistake(kwargs, says):
    with pytest.raises(SD4MatchError, match=says) as error:
        localize(torch.zeros(1, 1, 2, 2), **kwargs)
    assert "\n" not in str(error.value)


def test_localize_rejects_other_shapes():
    with pytest.raises(SD4MatchError, match="expected"):
        localize(torch.zeros(1, 2, 2))


def test_match_many_needs_a_readout():
    with pytest.raises(SD4MatchError, match="at least one readout"):
        match_many(*MAPS, [])
