"""Standard errors against what they are said to be, written as plain loops."""

import numpy as np
import pytest
from scipy.special import stdtrit
from scipy.stats import sem

from study.analysis.statistics.design import design


def pairs_of(sizes, number, rng):
    """``number`` pairs of different images in every category of so many images."""
    parts, first = [], 0
    for size in sizes:
        parts += [rng.choice(size, 2, replace=False) + first for _ in range(number)]
        first += size
    source, target = np.array(parts).T
    return source, target, np.repeat(np.arange(len(sizes)), number)


def matrices(source, target, category):
    """The quadratic form of the squared error, and the covariance of the working model."""
    images = np.zeros((len(source), max(source.max(), target.max()) + 1))
    for end in (source, target):
        np.add.at(images, (np.arange(len(source)), end), 1)
    linked = (images @ images.T > 0).astype(float)
    same = (category[:, None] == category).astype(float)
    centred = np.eye(len(source)) - same / same.sum(axis=1)
    return centred @ linked @ centred, np.eye(len(source)) + images @ images.T, linked


def test_standard_errors_are_sums_over_pairs_of_pairs_with_an_image_in_common():
    rng = np.random.default_rng(0)
    where = pairs_of((6, 9), 30, rng)  # some couples come twice or turned round
    source, target, _ = where
    image = rng.normal(0, 1, 15)
    values = image[source] + image[target] + rng.normal(0, 0.1, 60)
    form, covariance, linked = matrices(*where)
    product = form @ covariance
    # Unbiased under effects of images and noise of pairs of equal variance.
    inflation = (covariance * linked).sum() / np.trace(product)
    found = design(*where)
    assert found.reason is None
    assert found.inflation == pytest.approx(inflation)
    assert found.freedom == pytest.approx(np.trace(product) ** 2 / np.trace(product @ product))
    expected = np.sqrt(values @ form @ values * inflation) / 60
    assert found.standard_errors(values[None]) == pytest.approx([expected])


@pytest.mark.parametrize("pairs", [2, 5, 20])
def test_pairs_without_a_common_image_are_as_in_a_t_test(pairs):
    found = design(np.arange(pairs), np.arange(pairs) + pairs, np.zeros(pairs, dtype=int))
    values = np.random.default_rng(0).random((1, pairs))
    assert found.freedom == pytest.approx(pairs - 1)
    assert found.standard_errors(values)[0] == pytest.approx(sem(values[0]))


def test_categories_of_one_pair_count_as_one_category():
    rng = np.random.default_rng(0)
    source, target, category = pairs_of((8,), 30, rng)
    more = [np.append(source, (8, 10)), np.append(target, (9, 11)), np.append(category, (1, 2))]
    values = rng.random((1, 32))
    apart = design(*more)
    more[2] = np.append(category, (1, 1))
    assert design(*more).standard_errors(values) == pytest.approx(apart.standard_errors(values))
    alone = np.arange(4)
    assert design(alone, alone + 4, alone).freedom == pytest.approx(3)


def test_why_no_error_can_be_told():
    ends = np.arange(1, 10)
    one = np.zeros(9, dtype=int)
    assert design(one[:1], ends[:1], one[:1]).reason == "a single pair"
    shared = "nearly all pairs share an image"
    for pairs in (2, 9):
        star = design(one[:pairs], ends[:pairs], one[:pairs])
        assert star.reason == shared
        assert np.isnan(star.standard_errors(np.ones((1, pairs)))).all()
    assert design(np.array([0, 1, 2]), np.array([1, 2, 0]), one[:3]).reason == shared
    but_one = np.append(one[:8], 20)
    assert design(but_one, ends, one).reason == shared
    half = np.append(one[:5], [20, 22, 24, 26])
    assert design(half, np.append(ends[:5], [21, 23, 25, 27]), one).reason is None


@pytest.mark.parametrize("effect", [0.5, 1.0, 3.0])
def test_many_small_categories_tell_an_error_together(effect):
    """As PF-Pascal's test split of the shapes: 12 categories of 9 pairs on 5 images."""
    rng = np.random.default_rng(0)
    ends = np.stack([rng.choice(5, 2, replace=False) for _ in range(108)], axis=1)
    category = np.arange(108) // 9
    one = design(ends[0, :9], ends[1, :9], category[:9])
    first, second = ends + 5 * category
    many = design(first, second, category)
    assert many.inflation > 4
    assert many.freedom > 10
    assert [one.reason is None, many.reason is None] == [False, True]
    images = effect * rng.standard_normal((2000, 60))
    values = images[:, many.source] + images[:, many.target] + rng.standard_normal((2000, 108))
    reach = stdtrit(many.freedom, 0.975) * many.standard_errors(values)
    assert 0.935 < np.mean(np.abs(values.mean(axis=1)) < reach) < 0.995


def test_categories_that_are_too_small_tell_an_error_among_all_pairs():
    """Twelve categories, each with one image in all of its pairs."""
    star = np.arange(9)
    first, category = np.repeat(10 * np.arange(12), 9), np.repeat(np.arange(12), 9)
    second = first + 1 + np.tile(star, 12)
    assert design(0 * star, 1 + star, 0 * star).reason == "nearly all pairs share an image"
    found = design(first, second, category)
    assert found.reason is None
    images = np.random.default_rng(0).standard_normal((2000, 120))
    values = images[:, first] + images[:, second]
    reach = stdtrit(found.freedom, 0.975) * found.standard_errors(values)
    assert 0.935 < np.mean(np.abs(values.mean(axis=1)) < reach) < 0.97


def test_pairs_count_for_at_least_as_many_as_if_an_image_decided_them():
    source, target, category = pairs_of((8, 5), 12, np.random.default_rng(0))
    linked = matrices(source, target, category)[2]
    assert design(source, target, category).fewest == pytest.approx(24**2 / linked.sum())
    assert design(np.arange(9), np.arange(9) + 9, np.zeros(9, dtype=int)).fewest == 9


def test_categories_of_very_many_images_take_a_short_cut_to_nearly_the_same(monkeypatch):
    where = pairs_of((27, 27, 20), 600, np.random.default_rng(0))
    exact = design(*where)
    monkeypatch.setattr("study.analysis.statistics.design._LARGE", 0)
    quick = design(*(names + 1 for names in where))  # other names: the first is remembered
    assert quick.inflation == pytest.approx(exact.inflation, rel=0.05)
    assert quick.freedom == pytest.approx(exact.freedom, rel=0.2)
