"""Stable Diffusion's features and DINO's as one."""

import torch

from sd4match.matching.correlation import correlate
from sd4match.prediction.features import fuse


def test_correlations_are_the_mean_of_both_times_a_half():
    """Each half has length 1/2, so that a dot product is a quarter of the two cosines' sum."""
    maps = [(torch.randn(5, 4, 6), torch.randn(3, 4, 6)) for _ in range(2)]
    queries = torch.tensor([[[1.0, 2.0], [5.0, 0.0]]])
    source, target = (fuse(diffusion, dino)[None] for diffusion, dino in maps)
    found = correlate(source, target, queries, l2_normalize=False)
    cosines = [
        correlate(maps[0][part][None], maps[1][part][None], queries, l2_normalize=True)
        for part in (0, 1)
    ]
    torch.testing.assert_close(found, (cosines[0] + cosines[1]) / 4, rtol=1e-4, atol=1e-5)


def test_empty_cells_stay_finite():
    assert fuse(torch.zeros(2, 1, 1), torch.zeros(3, 1, 1)).isfinite().all()


def test_half_precision_contents_become_the_features_dtype():
    assert fuse(torch.zeros(2, 1, 1), torch.zeros(3, 1, 1).half()).dtype == torch.float32
