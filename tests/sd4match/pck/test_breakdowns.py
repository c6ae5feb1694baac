"""PCK by category, viewpoint, scale, truncation and occlusion."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from sd4match import datasets
from sd4match.datasets.pairs import ATTRIBUTES
from sd4match.errors import SD4MatchError
from sd4match.pck import scoring
from sd4match.pck.breakdowns import LEVELS, breakdown, labels_of
from sd4match.pck.ground_truth import GroundTruth
from sd4match.testbed.shapes import generate


def make_truth(counts):
    return GroundTruth.of(
        [
            SimpleNamespace(
                dataset="spair",
                target_keypoints=np.ones((n, 2), dtype=np.float32),
                target_size=(10, 10),
                target_box=(0, 0, 5, 5),
            )
            for n in counts
        ]
    )


# Five pairs of 2, 0, 4, 1, 0 keypoints.
TRUTH = make_truth((2, 0, 4, 1, 0))
FOUND = np.array([[1, 0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 1]], dtype=bool)
LABELS = {
    "category": ["cow", "cat", "cat", "cow", "dog"],
    "viewpoint": [0, 1, 0, 0, 1],
    "occlusion": [3, 0, 2, 3, 2],
}


def rows(parts):
    return {(part.by, part.level): part for part in parts}


def test_parts_by_hand():
    parts = breakdown(TRUTH, FOUND, LABELS)
    assert [(part.by, part.level, part.n_pairs, part.n_keypoints) for part in parts] == [
        ("category", "cat", 1, 4),
        ("category", "cow", 2, 3),
        ("category", "dog", 0, 0),
        ("viewpoint", "easy", 3, 7),
        ("viewpoint", "medium", 0, 0),
        ("viewpoint", "hard", 0, 0),
        ("occlusion", "none", 0, 0),
        ("occlusion", "source", 0, 0),
        ("occlusion", "target", 1, 4),
        ("occlusion", "both", 2, 3),
    ]
    none = [math.nan] * 2
    expected = [
        [3 / 4, 0],
        [(1 / 2 + 0) / 2, (0 + 1) / 2],
        none,
        [(1 / 2 + 3 / 4 + 0) / 3, 1 / 3],
        *[none] * 4,
        [3 / 4, 0],
        [1 / 4, 1 / 2],
    ]
    np.testing.assert_allclose([part.pck for part in parts], expected, rtol=1e-15)


def test_other_means():
    by_keypoint = rows(breakdown(TRUTH, FOUND, LABELS, mean="keypoint"))
    np.testing.assert_allclose(by_keypoint["category", "cow"].pck, [1 / 3, 1 / 3])
    by_category = rows(breakdown(TRUTH, FOUND, LABELS, mean="category"))
    np.testing.assert_allclose(by_category["viewpoint", "easy"].pck, [(1 / 4 + 3 / 4) / 2, 1 / 4])


def test_one_setting_gives_one_number():
    (part, *_) = breakdown(TRUTH, FOUND[0], LABELS)
    assert part.pck == 3 / 4
    assert part.pck.shape == ()


@pytest.mark.slow
@given(seed=st.integers(0, 2**20), mean=st.sampled_from(["image", "keypoint"]))
@settings(max_examples=30, deadline=None)
def test_parts_add_up_to_the_whole(seed, mean):
    rng = np.random.default_rng(seed)
    truth = make_truth([1, *rng.integers(0, 4, 30)])
    found = rng.random((2, len(truth.pair))) < 0.5
    labels = {name: rng.integers(0, len(levels), 31) for name, levels in LEVELS.items()}
    whole = scoring.aggregate(truth, found, mean=mean)
    parts = breakdown(truth, found, labels, mean=mean)
    for name in LEVELS:
        mine = [part for part in parts if part.by == name]
        weights = np.array([p.n_pairs if mean == "image" else p.n_keypoints for p in mine])
        assert weights.sum() == (np.count_nonzero(truth.n_keypoints) if mean == "image"
                                 else len(truth.pair))  # fmt: skip
        together = (np.nan_to_num([p.pck for p in mine]) * weights[:, None]).sum(0) / weights.sum()
        np.testing.assert_allclose(together, whole, rtol=1e-12)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    root = tmp_path_factory.mktemp("shapes") / "tree"
    generate(root, scale=0.3)
    return root


@pytest.mark.slow
def test_pairs_of_spair_know_their_levels(shapes):
    pairs = datasets.load("spair", shapes, "val")
    labels = labels_of(pairs)
    assert list(labels) == ["category", *ATTRIBUTES] == ["category", *LEVELS]
    truth = GroundTruth.of(pairs)
    parts = breakdown(truth, np.ones(len(truth.pair), dtype=bool), labels)
    assert [part.level for part in parts if part.by == "category"] == list(pairs.categories)
    assert {float(part.pck) for part in parts if part.n_pairs} == {1.0}
    hard = [pair for pair in pairs if pair.attributes["viewpoint"] == 2]
    counting = sum(len(pair.keypoint_ids) > 0 for pair in hard)
    assert 0 < rows(parts)["viewpoint", "hard"].n_pairs == counting < len(pairs)


@pytest.mark.slow
def test_pairs_without_grades_have_a_category_only(shapes):
    pairs = datasets.load("pf_pascal", shapes, "val")
    assert labels_of(pairs) == {"category": [pair.category for pair in pairs]}


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"labels": {"viewpoint": [0, 1, None, 0, 1]}}, "pair 2 .* has viewpoint None"),
        ({"labels": {"viewpoint": [0, 1, 3, 0, 1]}}, r"viewpoint 3: .* 0 \(easy\)"),
        ({"labels": {"viewpoint": [0, 1]}}, "2 labels of 'viewpoint' for 5 pairs"),
        ({"labels": {"viewpiont": [0] * 5}}, "did you mean 'viewpoint'"),
        ({"correct": FOUND[:, :3]}, "expected"),
        ({"mean": "images"}, "did you mean 'image'"),
        ({"mean": "category", "labels": {"scale": [0] * 5}}, "needs categories"),
    ],
)
def test_breakdown_names_the_mistake(kwargs, says):
    with pytest.raises(SD4MatchError, match=says):
        breakdown(**{"truth": TRUTH, "correct": FOUND, "labels": LABELS, **kwargs})
