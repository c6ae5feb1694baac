"""Scores: a view of the predictions, equal to the protocol applied pair by pair."""

import numpy as np
import pytest

from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Readout
from sd4match.pck import scoring
from sd4match.pck.ground_truth import GroundTruth
from sd4match.pck.protocols import PROTOCOLS
from sd4match.records.parquet import settings_of
from study.space.metric import Rule
from study.store.scores import Record, read_scores, score, write_scores
from study.store.store import Store

GRIDS = [
    [(0, Readout("nearest")), (0, Readout("softmax"))],
    [(1, Readout(kernel_sigma=sigma)) for sigma in (1, 3, 7)],
]


RULE = Rule((0.05, 0.1, 0.15), "sd4match")


SIDE = 64


@pytest.fixture(params=[("pf_pascal", "test"), ("pf_willow", "test"), ("spair", "test")])
def recorded(request, pairs_of, tmp_path):
    """A store with made-up predictions near the truth, in two grids, and their record."""
    pairs, store = pairs_of(*request.param), Store(tmp_path / "store")
    truth = GroundTruth.of(pairs)
    store.write_truth(pairs)
    rng = np.random.default_rng(0)
    for grid in GRIDS:
        noise = rng.normal(0, 12, (len(grid), *truth.keypoints.shape))
        store.write_predictions("stage", grid, truth.keypoints + noise, truth)
    return store, Record("stage", pairs.fingerprint, SIDE), pairs


def contents(folder):
    return {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.rglob("*.*")}


@pytest.mark.slow
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_counts_are_those_of_each_pair_alone(recorded, protocol):
    store, record, pairs = recorded
    rule = Rule(RULE.alphas, protocol)
    truth = GroundTruth.of(pairs)
    for grid in GRIDS:
        (file,) = score(store, record, grid, rule)
        predictions = store.recorded("stage")[grid[0]]
        positions = store.read_predictions(predictions, truth)
        assert settings_of(file) == settings_of(predictions) == grid
        for alpha in rule.alphas:
            _, correct, keypoints = read_scores(file, alpha)
            assert 0 < correct.sum() < len(grid) * keypoints.sum()
            for row, of_setting in enumerate(positions):
                for i, pair in enumerate(pairs):
                    found = scoring.score(
                        pair,
                        of_setting[truth.pair == i],
                        alpha=alpha,
                        protocol=protocol,
                        image_size=SIDE,
                    )
                    assert correct[row, i] == found.sum()
                    assert keypoints[i] == len(found)


@pytest.mark.slow
def test_a_second_call_writes_nothing(recorded):
    store, record, _ = recorded
    everything = [setting for grid in GRIDS for setting in grid]
    files = score(store, record, everything, RULE)
    before = contents(store.folder)
    assert score(store, record, everything, RULE) == files
    assert contents(store.folder) == before


@pytest.mark.slow
def test_another_rule_is_scored_from_the_same_predictions(recorded):
    store, record, _ = recorded
    everything = [setting for grid in GRIDS for setting in grid]
    first = score(store, record, everything, RULE)
    before = contents(store.folder)
    other = [
        *score(store, record, everything, Rule((0.2,), "sd4match")),
        *score(store, record, everything, Rule(RULE.alphas, "dift")),
    ]
    assert len({*first, *other}) == 3 * len(GRIDS)
    after = contents(store.folder)
    assert {file: after[file] for file in before} == before
    assert after.keys() - before.keys() == set(other)


@pytest.mark.slow
def test_the_image_size_matters_to_its_own_protocol(recorded):
    store, record, _ = recorded
    larger = Record(record.key, record.data, 2 * SIDE)
    assert score(store, record, GRIDS[0], RULE) != score(store, larger, GRIDS[0], RULE)


@pytest.mark.slow
def test_only_files_that_hold_wanted_settings_are_scored(recorded):
    store, record, _ = recorded
    score(store, record, GRIDS[1][:1], RULE)
    assert len(list((store.folder / "score").rglob("*.parquet"))) == 1
    assert score(store, record, [], RULE) == []


def test_what_is_not_on_record_is_one_clear_error(recorded):
    store, record, _ = recorded
    missing = (3, Readout("nearest"))
    with pytest.raises(SD4MatchError, match=r"no predictions stage of layer 3, .*nearest.*launch"):
        score(store, record, [*GRIDS[0], missing], RULE)


def test_predictions_without_ground_truth_are_one_clear_error(recorded):
    store, record, _ = recorded
    with pytest.raises(SD4MatchError, match=r"no ground truth f00: .*launch"):
        score(store, Record(record.key, "f00", SIDE), GRIDS[0], RULE)


def test_a_rule_names_the_alpha_that_papers_compare_by():
    assert Rule((0.05, 0.1, 0.15), "sd4match").usual_alpha == 0.1
    assert Rule((0.01, 0.03, 0.05), "sd4match").usual_alpha == 0.03


NEAREST = (0, Readout("nearest"))


SOFTMAX = (1, Readout("softmax", temperature=0.1))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture(params=[("pf_pascal", "test"), ("pf_willow", "test"), ("spair", "val")])
def pairs(request, pairs_of):
    return pairs_of(*request.param)


@pytest.fixture
def truth(pairs):
    return GroundTruth.of(pairs)


def positions(truth, settings, seed=0):
    """Anywhere in the target images."""
    sizes = truth.sizes[truth.pair]
    return np.random.default_rng(seed).uniform(0, 1, (len(settings), *sizes.shape)) * sizes


@pytest.mark.slow
def test_scores_come_back(store, truth):
    settings, keypoints = [NEAREST, SOFTMAX], truth.n_keypoints
    rng = np.random.default_rng(0)
    counts = {alpha: rng.integers(0, keypoints + 1, (2, truth.n_pairs)) for alpha in (0.05, 0.1)}
    predictions = store.write_predictions("k", settings, positions(truth, settings), truth)
    file = store.score_file("k", predictions, {"alphas": [0.05, 0.1]})
    write_scores(file, settings, counts, keypoints, address=store.address(file))
    assert settings_of(file) == settings
    for alpha in counts:
        _, correct, of = read_scores(file, alpha)
        np.testing.assert_array_equal(correct, counts[alpha])
        np.testing.assert_array_equal(of, keypoints)


@pytest.mark.slow
def test_scores_have_an_address_a_rule(store, truth):
    predictions = store.write_predictions("k", [NEAREST], positions(truth, [NEAREST]), truth)
    rules = [{"alphas": [0.1]}, {"alphas": [0.2]}, {"alphas": [0.1], "protocol": "dift"}]
    assert len({store.score_file("k", predictions, rule) for rule in rules}) == len(rules)
    assert store.score_file("k", predictions, rules[0]) == store.score_file(
        "k", predictions, dict(rules[0])
    )
