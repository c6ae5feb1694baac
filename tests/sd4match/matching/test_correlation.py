"""Correlation of descriptors with a feature map."""

import pytest
import torch

from sd4match.errors import SD4MatchError
from sd4match.matching.correlation import correlate, vector_norm
from sd4match.matching.localization import match_many
from sd4match.matching.readout import CELL_LOCALIZERS, Readout

from ..near import assert_near

SIGMAS = (1.0, 2.0, 3.0, 5.0, 7.0, 9.0, 11.0, 15.0)


ALL = [*(Readout(name) for name in CELL_LOCALIZERS[:3]), *(Readout(kernel_sigma=s) for s in SIGMAS)]


def random_maps(seed=0, *, b=2, c=6, hw=(7, 9), hw2=(8, 6), n=5, dtype=torch.float32):
    g = torch.Generator().manual_seed(seed)
    source = torch.randn(b, c, *hw, generator=g, dtype=dtype)
    target = torch.randn(b, c, *hw2, generator=g, dtype=dtype)
    queries = torch.rand(b, n, 2, generator=g, dtype=dtype) * torch.tensor([hw[1] - 1, hw[0] - 1])
    return source, target, queries


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), -1.0, 1e9])
def test_padded_queries_give_finite_rows_and_disturb_no_other(bad):
    source, target, queries = random_maps()
    padded = queries.clone()
    padded[0, 3] = bad
    assert correlate(source, target, padded).isfinite().all()
    found, clean = (match_many(source, target, q, ALL) for q in (padded, queries))
    assert found.isfinite().all()
    keep = torch.ones(2, 5, dtype=torch.bool)
    keep[0, 3] = False
    torch.testing.assert_close(found[:, keep], clean[:, keep])


def test_zero_descriptors_are_finite():
    source, target, queries = random_maps()
    source[:], target[..., 0] = 0, 0
    source.requires_grad_()
    found = match_many(source, target, queries, ALL)
    found.sum().backward()
    assert found.isfinite().all()
    assert source.grad.isfinite().all()


@pytest.mark.parametrize("shape", [(2, 6, 9), (1, 300, 7), (2, 1280, 40), (3, 128, 1)])
@pytest.mark.parametrize("dim", [1, -1])
def test_a_length_has_the_same_bits_with_and_without_gradient(shape, dim):
    vectors = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    found = vector_norm(vectors, dim=dim)
    assert_near(found, vectors.norm(dim=dim, keepdim=True) + 1e-6)
    assert torch.equal(found, vector_norm(vectors.requires_grad_(), dim=dim))


@pytest.mark.slow
@pytest.mark.parametrize("l2", [True, False])
def test_gradcheck_correlate(l2):
    inputs = random_maps(b=1, c=3, hw=(3, 4), hw2=(3, 3), n=2, dtype=torch.float64)
    for tensor in inputs:
        tensor.requires_grad_()
    assert torch.autograd.gradcheck(lambda *a: correlate(*a, l2_normalize=l2), inputs)


@pytest.mark.parametrize(
    ("source", "target", "queries"),
    [
        ((2, 3, 4, 4), (2, 3, 4), (2, 1, 2)),
        ((2, 3, 4, 4), (1, 3, 4, 4), (2, 1, 2)),
        ((2, 3, 4, 4), (2, 5, 4, 4), (2, 1, 2)),
        ((2, 3, 4, 4), (2, 3, 0, 4), (2, 1, 2)),
        ((2, 3, 4, 4), (2, 3, 4, 4), (1, 1, 2)),
        ((2, 3, 4, 4), (2, 3, 4, 4), (2, 2)),
        ((2, 3, 4, 4), (2, 3, 4, 4), (2, 1, 3)),
    ],
)
def test_maps_and_queries_must_fit(source, target, queries):
    with pytest.raises(SD4MatchError, match="expected"):
        correlate(torch.zeros(source), torch.zeros(target), torch.zeros(queries))
    with pytest.raises(SD4MatchError, match="expected"):
        match_many(torch.zeros(source), torch.zeros(target), torch.zeros(queries), ALL)
