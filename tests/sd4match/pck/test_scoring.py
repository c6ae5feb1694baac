"""PCK under each protocol, for one pair and for many."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from sd4match.errors import SD4MatchError
from sd4match.pck import scoring
from sd4match.pck.ground_truth import GroundTruth
from sd4match.pck.protocols import PROTOCOLS, Protocol

DATASETS = ("pf_pascal", "pf_willow", "spair")


NAMES = tuple(PROTOCOLS)


PARTS = [
    Protocol(coordinates, reference, strict)
    for coordinates in ("square", "original", "letterbox")
    for reference in (None, "img", "bbox", "bbox-kp")
    for strict in (False, True)
]


def make_pair(dataset, keypoints, *, size=(400, 200), box=(10, 20, 110, 70)):
    # What pck reads of an ImagePair; it takes any object with these attributes.
    return SimpleNamespace(
        dataset=dataset,
        target_keypoints=np.array(keypoints, dtype=np.float32).reshape(-1, 2),
        target_size=size,
        target_box=None if box is None else np.array(box, dtype=np.float32),
    )


def random_pairs(dataset, seed, n_pairs=6):
    rng = np.random.default_rng(seed)
    return [
        make_pair(
            dataset,
            rng.uniform(-20, 420, (rng.choice([0, 2, 3, 4]), 2)),  # one has no extent
            size=tuple(int(side) for side in rng.integers(100, 500, 2)),
            box=np.sort(rng.uniform(0, 300, (2, 2)), axis=0).ravel(),
        )
        for _ in range(n_pairs)
    ]


# Image 400 x 200 as a square of 800: x is doubled, y multiplied by 4.
KEYPOINTS = [[50.0, 30.0], [150.0, 90.0]]  # extent 100 x 60, in the square 200 x 240


@pytest.mark.parametrize(("protocol", "expected"), [("sd4match", 10), ("dift", math.sqrt(13))])
def test_distance(protocol, expected):
    truth = GroundTruth.of([make_pair("spair", KEYPOINTS)])
    predicted = np.add(KEYPOINTS, [[3, 2], [0, 0]])
    distance, _ = scoring.distances(truth, predicted, protocol=protocol, image_size=800)
    np.testing.assert_allclose(distance, [expected, 0], atol=1e-12)


def test_sd4match_clamps_the_truth_and_not_the_prediction():
    # x = 400 is 800 in the square, and the truth moves to 799 - 1e-4.
    truth = GroundTruth.of([make_pair("pf_pascal", [[400.0, -5.0]])])
    distance, _ = scoring.distances(truth, [[400.0, 0.0]], image_size=800)
    np.testing.assert_allclose(distance, [math.hypot(1 + 1e-4, 1e-4)], rtol=1e-9)
    distance, _ = scoring.distances(truth, [[410.0, -5.0]], image_size=800)
    np.testing.assert_allclose(distance, [math.hypot(21 + 1e-4, 20 + 1e-4)], rtol=1e-9)
    distance, _ = scoring.distances(truth, [[400.0, -5.0]], protocol="dift")
    assert distance == 0


@pytest.mark.parametrize(
    ("protocol", "on_the_limit"),
    [
        ("sd4match", True),
        ("dift", True),
        ("geoaware", False),
        (replace(PROTOCOLS["sd4match"], strict=True), False),
        (replace(PROTOCOLS["geoaware"], strict=False), True),
    ],
)
@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.15, 0.3, 0.7])
@pytest.mark.parametrize("side", [30, 70, 110, 333])
def test_on_the_limit(protocol, on_the_limit, alpha, side):
    # 0.1 * 3 > 0.3 in floating point: the arithmetic's last digit must not decide.
    pair = make_pair("spair", [[20.0, 20.0]], size=(768, 768), box=(0, 0, side, side))
    limit = round(alpha * side, 6)
    for angle in ((1.0, 0.0), (0.6, 0.8)):
        at, inside, outside = (
            np.array([[20.0, 20.0]]) + np.array(angle) * limit * f for f in (1, 1 - 1e-6, 1 + 1e-6)
        )
        assert scoring.score(pair, at, alpha=alpha, protocol=protocol)[0] == on_the_limit
        assert scoring.score(pair, inside, alpha=alpha, protocol=protocol)[0]
        assert not scoring.score(pair, outside, alpha=alpha, protocol=protocol)[0]


@pytest.mark.slow
@given(
    dataset=st.sampled_from(DATASETS),
    protocol=st.sampled_from([*NAMES, *PARTS]),
    seed=st.integers(0, 2**20),
    alpha=st.floats(0.01, 0.5),
    image_size=st.sampled_from([96, 512, 768]),
)
@settings(max_examples=60, deadline=None)
def test_many_pairs_are_scored_as_each_one(dataset, protocol, seed, alpha, image_size):
    pairs = random_pairs(dataset, seed)
    truth = GroundTruth.of(pairs)
    noise = np.random.default_rng(seed).normal(0, 20, (3, *truth.keypoints.shape))
    predicted = truth.keypoints + noise
    kwargs = {"alpha": alpha, "protocol": protocol, "image_size": image_size}
    many = scoring.correct(truth, predicted, **kwargs)
    assert many.shape == (3, len(truth.pair))
    for i, pair in enumerate(pairs):
        mine = truth.pair == i
        for setting in range(3):
            one = scoring.score(pair, predicted[setting, mine], **kwargs)
            assert one.dtype == bool
            assert one.tolist() == many[setting, mine].tolist()


@given(
    dataset=st.sampled_from(DATASETS),
    protocol=st.sampled_from([*NAMES, *PARTS]),
    seed=st.integers(0, 2**20),
)
@settings(max_examples=30, deadline=None)
def test_more_tolerance_finds_more_and_scale_does_not_matter(dataset, protocol, seed):
    pairs = random_pairs(dataset, seed)
    truth = GroundTruth.of(pairs)
    predicted = truth.keypoints + np.random.default_rng(seed).normal(0, 20, truth.keypoints.shape)
    found = scoring.correct(truth, predicted, alpha=(0.05, 0.1, 0.2), protocol=protocol)
    assert (found[0] <= found[1]).all()
    assert (found[1] <= found[2]).all()
    double = GroundTruth(
        truth.dataset, truth.pair, truth.keypoints * 2, truth.sizes * 2, truth.boxes * 2
    )
    again = scoring.correct(double, predicted * 2, alpha=(0.05, 0.1, 0.2), protocol=protocol)
    assert (found == again).all()


def test_several_alphas_are_one_axis():
    truth = GroundTruth.of(random_pairs("spair", 3))
    predicted = truth.keypoints + np.random.default_rng(0).normal(
        0, 20, (4, *truth.keypoints.shape)
    )
    together = scoring.correct(truth, predicted, alpha=[0.05, 0.1])
    apart = [scoring.correct(truth, predicted, alpha=alpha) for alpha in (0.05, 0.1)]
    assert together.shape == (2, 4, len(truth.pair))
    assert (together == np.stack(apart)).all()


def test_a_pair_without_keypoints():
    for dataset in DATASETS:
        empty = make_pair(dataset, [])
        assert scoring.score(empty, np.zeros((0, 2)), alpha=0.1).shape == (0,)


# Five pairs of 2, 0, 4, 1, 0 keypoints.
TRUTH = GroundTruth.of([make_pair("pf_pascal", [[1, 1]] * n) for n in (2, 0, 4, 1, 0)])


FOUND = np.array([[1, 0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 1]], dtype=bool)


@pytest.mark.parametrize(
    ("mean", "expected"),
    [
        ("image", [(1 / 2 + 3 / 4 + 0) / 3, 1 / 3]),
        ("keypoint", [4 / 7, 1 / 7]),
        ("category", [((1 / 2 + 0) / 2 + 3 / 4) / 2, (1 / 2 + 0) / 2]),
    ],
)
def test_aggregate(mean, expected):
    categories = ["cat", "cow", "dog", "cat", "dog"]
    found = scoring.aggregate(TRUTH, FOUND, mean=mean, categories=categories)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    assert scoring.aggregate(TRUTH, FOUND[0], mean=mean, categories=categories).shape == ()
    everything = scoring.aggregate(TRUTH, np.ones(7, dtype=bool), mean=mean, categories=categories)
    assert everything == 1.0


def test_counts():
    assert scoring.counts(TRUTH, FOUND).tolist() == [[1, 0, 3, 0, 0], [0, 0, 0, 1, 0]]
    none = GroundTruth.of([make_pair("pf_pascal", [])])
    assert scoring.counts(none, np.zeros((2, 0), dtype=bool)).tolist() == [[0], [0]]


@pytest.mark.slow
@given(seed=st.integers(0, 2**20))
@settings(max_examples=30, deadline=None)
def test_aggregate_does_not_depend_on_other_settings(seed):
    truth = GroundTruth.of(random_pairs("pf_pascal", seed, n_pairs=20))
    assume(len(truth.pair))
    found = np.random.default_rng(seed).random((5, len(truth.pair))) < 0.5
    for mean in scoring.MEANS:
        kwargs = {"mean": mean, "categories": ["cat", "cow"] * 10}
        together = scoring.aggregate(truth, found, **kwargs)
        assert together.tolist() == [
            float(scoring.aggregate(truth, row, **kwargs)) for row in found
        ]


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"protocol": "gioaware"}, "did you mean 'geoaware'"),
        ({"alpha": 0}, "alpha"),
        ({"alpha": float("nan")}, "alpha"),
        ({"alpha": []}, "alpha"),
        ({"predicted": [[1.0, 2.0]]}, "expected"),
        ({"predicted": [1.0, 2.0]}, "expected"),
        ({"predicted": [[1.0, 2.0], [math.nan, 0.0]]}, "NaN"),
        ({"image_size": 0}, "image_size"),
        ({"pair": make_pair("spair", KEYPOINTS, box=None)}, "no target box"),
        ({"pair": make_pair("spairs", KEYPOINTS)}, "did you mean 'spair'"),
        (
            {
                "pair": make_pair("pf_willow", KEYPOINTS, box=None),
                "protocol": Protocol(reference="bbox"),
            },
            "of pf_willow has no target box.*use reference 'bbox-kp'",
        ),
    ],
)
def test_score_names_the_mistake(kwargs, says):
    call = {"pair": make_pair("spair", KEYPOINTS), "predicted": KEYPOINTS, "alpha": 0.1, **kwargs}
    with pytest.raises(SD4MatchError, match=says) as error:
        scoring.score(**call)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"mean": "images"}, "did you mean 'image'"),
        ({"mean": "category"}, "needs categories"),
        ({"mean": "category", "categories": ["cat"]}, "needs categories"),
        ({"correct": np.ones(3, dtype=bool)}, "expected"),
        (
            {"truth": GroundTruth.of([make_pair("spair", [])]), "correct": np.ones(0)},
            "has a keypoint",
        ),
    ],
)
def test_aggregate_names_the_mistake(kwargs, says):
    with pytest.raises(SD4MatchError, match=says):
        scoring.aggregate(**{"truth": TRUTH, "correct": FOUND, **kwargs})
