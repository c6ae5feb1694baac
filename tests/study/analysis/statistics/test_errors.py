"""Standard errors over seeds and pairs, and what few pairs that differ can say."""

import numpy as np
import pytest

from study.analysis.statistics.design import design
from study.analysis.statistics.errors import errors, gap_errors
from study.analysis.statistics.stats import PairSamples, difference


def without_common_images(pairs):
    return np.arange(pairs), np.arange(pairs) + pairs, np.zeros(pairs, dtype=int)


def test_one_seed_has_the_error_of_the_pairs_alone():
    values = np.random.default_rng(0).random((4, 1, 30))
    pairs = design(*without_common_images(30))
    images, seeds = errors(pairs, values)
    assert images.tolist() == pairs.standard_errors(values[:, 0]).tolist()
    assert not seeds.any()


def test_seeds_that_move_all_pairs_alike_leave_the_part_of_images_as_it_is():
    rng = np.random.default_rng(0)
    of_pairs, luck = rng.random(30), rng.normal(0, 0.1, 3)
    pairs = design(*without_common_images(30))
    images, seeds = errors(pairs, (of_pairs + luck[:, None])[None])
    assert images == pytest.approx(pairs.standard_errors(of_pairs[None]))
    assert seeds == pytest.approx([luck.std(ddof=1) / np.sqrt(3)])


def test_noise_of_pairs_in_each_training_counts_once():
    """Without effects of images or seeds, both parts together are the error of the mean."""
    values = np.random.default_rng(0).normal(0, 1, (800, 3, 40))
    images, seeds = errors(design(*without_common_images(40)), values)
    true = 1 / np.sqrt(3 * 40)
    assert np.mean(seeds**2) == pytest.approx(true**2, rel=0.1)
    # The part of images is zero but for its estimate's scatter.
    assert true**2 <= np.mean(images**2 + seeds**2) < 1.4 * true**2


def test_equal_means_of_two_seeds_by_luck_are_no_certainty():
    """Mirror images of each other: the part of images, less what it shares, would be zero too."""
    one = np.random.default_rng(0).permutation(np.repeat([0.0, 1.0], 15))
    values = np.stack([one, np.roll(one, 1)])[None]
    pairs = design(*without_common_images(30))
    images, seeds = errors(pairs, values)
    assert seeds == pytest.approx([0])
    assert images >= pairs.standard_errors(values.mean(axis=1)) / 2


@pytest.mark.parametrize("pairs", [None, 60, 240])
@pytest.mark.parametrize("differ", [2, 3, 5, 6, 9])
def test_pairs_that_differ_cannot_say_more_than_a_sign_test(differ, pairs):
    """Five pairs, all better, have p = 0.0625 and no star, whatever the number of equal pairs."""
    where = without_common_images(pairs or differ)
    better = np.zeros(pairs or differ)
    better[:differ] = 1.0
    gap = difference(PairSamples(better, *where), PairSamples(0 * better, *where))
    assert gap.p_value >= 2.0 ** (1 - differ) * (1 - 1e-9)
    assert (gap.p_value < 0.05) == (differ > 5)
    assert (gap.low > 0) == (differ > 5)
    if pairs is None:
        assert gap.p_value == pytest.approx(2.0 ** (1 - differ))


def test_many_pairs_that_differ_need_no_allowance():
    gains = np.random.default_rng(0).normal(0.01, 0.1, (5, 1, 100))
    pairs = design(*without_common_images(100))
    assert gap_errors(pairs, gains)[0] == pytest.approx(errors(pairs, gains)[0])
