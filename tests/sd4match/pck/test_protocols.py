"""PCK protocols and their reference lengths."""

from types import SimpleNamespace

import numpy as np
import pytest

from sd4match.errors import SD4MatchError
from sd4match.pck import scoring
from sd4match.pck.ground_truth import GroundTruth
from sd4match.pck.protocols import Protocol

DATASETS = ("pf_pascal", "pf_willow", "spair")


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


@pytest.mark.parametrize(
    ("dataset", "protocol", "expected"),
    [
        ("pf_pascal", "sd4match", 800),
        ("pf_pascal", "dift", 400),
        ("pf_pascal", "geoaware", 400),
        ("spair", "sd4match", 200),  # box 100 x 50 -> 200 x 200
        ("spair", "dift", 100),
        ("spair", "geoaware", 100),
        ("pf_willow", "sd4match", 240),
        ("pf_willow", "dift", 100),
        ("pf_willow", "geoaware", 100),
    ],
)
def test_reference_length(dataset, protocol, expected):
    truth = GroundTruth.of([make_pair(dataset, KEYPOINTS)])
    _, reference = scoring.distances(truth, KEYPOINTS, protocol=protocol, image_size=800)
    assert reference.dtype == np.float64
    np.testing.assert_allclose(reference, [expected, expected], rtol=1e-12)


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize(
    ("coordinates", "reference", "expected"),
    [
        ("square", "img", 800),
        ("square", "bbox", 200),
        ("square", "bbox-kp", 240),
        ("original", "img", 400),
        ("original", "bbox", 100),
        ("original", "bbox-kp", 100),
        ("letterbox", "img", 400),
        ("letterbox", "bbox", 100),
        ("letterbox", "bbox-kp", 100),
    ],
)
def test_a_chosen_reference_is_that_of_any_data_set(dataset, coordinates, reference, expected):
    truth = GroundTruth.of([make_pair(dataset, KEYPOINTS)])
    protocol = Protocol(coordinates, reference)
    _, lengths = scoring.distances(truth, KEYPOINTS, protocol=protocol, image_size=800)
    np.testing.assert_allclose(lengths, [expected, expected], rtol=1e-12)


@pytest.mark.parametrize("dataset", DATASETS)
def test_letterboxing_changes_no_answer(dataset):
    # Padding to a square of 768 scales both axes by 768 / max(w, h), and the reference with them.
    pairs = random_pairs(dataset, 11, n_pairs=40)
    truth = GroundTruth.of(pairs)
    predicted = truth.keypoints + np.random.default_rng(2).normal(0, 25, truth.keypoints.shape)
    factor = (768 / truth.sizes.max(axis=1)).astype(np.float32)
    boxed = GroundTruth(
        dataset,
        truth.pair,
        truth.keypoints * factor[truth.pair, None],
        np.full_like(truth.sizes, 768),
        truth.boxes * factor[:, None],
    )
    found = scoring.correct(truth, predicted, alpha=0.1, protocol=Protocol("letterbox"))
    there = predicted * factor[truth.pair, None]
    assert 0.1 < found.mean() < 0.95
    assert (found == scoring.correct(boxed, there, alpha=0.1, protocol=Protocol("original"))).all()
    assert (found != scoring.correct(truth, predicted, alpha=0.1)).any()  # the square is another


def test_willow_reference_is_measured_before_the_clamp():
    truth = GroundTruth.of([make_pair("pf_willow", [[-100.0, 0.0], [500.0, 10.0]])])
    _, reference = scoring.distances(truth, np.zeros((2, 2)), image_size=800)
    np.testing.assert_allclose(reference, 1200)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (
            {"coordinates": "letter-box"},
            "unknown coordinates 'letter-box': did you mean 'letterbox",
        ),
        ({"reference": "bbox_kp"}, "unknown reference 'bbox_kp': did you mean 'bbox-kp'"),
    ],
)
def test_a_protocol_names_the_part_it_does_not_know(parts, says):
    with pytest.raises(SD4MatchError, match=says):
        Protocol(**parts)


@pytest.mark.parametrize("protocol", ["sd4match", "dift", "geoaware"])
@pytest.mark.parametrize(
    ("dataset", "keypoints", "box"),
    [
        ("spair", KEYPOINTS, (50, 50, 50, 50)),
        ("spair", KEYPOINTS, (105, 90, 45, 20)),
        ("pf_willow", [[50.0, 30.0]], None),
        ("pf_willow", [[50.0, 30.0], [50.0, 30.0]], None),
    ],
)
def test_no_reference_length_no_score(dataset, keypoints, box, protocol):
    pairs = [
        make_pair(dataset, KEYPOINTS, box=(0, 0, 9, 9)),
        make_pair(dataset, keypoints, box=box),
        make_pair(dataset, [], box=box),  # not scored, so it needs no length
    ]
    truth = GroundTruth.of([pairs[0], pairs[2]])
    assert scoring.correct(truth, truth.keypoints, alpha=0.1, protocol=protocol).all()
    truth = GroundTruth.of(pairs)
    with pytest.raises(SD4MatchError, match=rf"pair 1 .* of {dataset} has reference length"):
        scoring.correct(truth, truth.keypoints, alpha=0.1, protocol=protocol)
