"""Comparison of numbers that kernels may round differently."""

import numpy as np


def assert_near(found, expected, *, relative=1e-5):
    """Assert that arrays or tensors are equal but for rounding.

    What float32 kernels round grows with the size of the data, not of the single value, and
    differs between processors: a tolerance is a share of the largest value.

    Args:
        found, expected: of one shape.
        relative: the largest difference, as a share of the largest expected value.
    """
    found, expected = (
        np.asarray(values, dtype=np.float64) for values in map(plain, (found, expected))
    )
    assert found.shape == expected.shape
    apart, size = np.abs(found - expected).max(initial=0), np.abs(expected).max(initial=0)
    assert apart <= relative * size, f"{apart:.3g} apart, values up to {size:.3g}"


def plain(values):
    """Numbers outside of torch's graph."""
    return values.detach().numpy() if hasattr(values, "detach") else values
