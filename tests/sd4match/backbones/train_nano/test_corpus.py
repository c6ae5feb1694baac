import numpy as np
import pytest

from sd4match.backbones.train_nano.corpus import CELLS, NAMES, SIDE, _regions, open_corpus
from sd4match.datasets.shapes import CATEGORIES


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return open_corpus(tmp_path_factory.mktemp("runs"), images=70, seed=3)


def test_categories_take_turns(corpus):
    assert len(corpus) == 70
    assert corpus.categories.tolist() == [i % len(NAMES) for i in range(70)]
    assert corpus.pixels.shape == (70, SIDE, SIDE, 3)
    assert all(NAMES[i] in text for i, text in zip(corpus.categories, corpus.captions, strict=True))


def test_visible_landmarks_are_in_regions_of_their_own(corpus):
    found = 0
    for i in range(len(corpus)):
        count = len(CATEGORIES[NAMES[corpus.categories[i]]].keypoints)
        seen = {int(k) + 1 for k in np.flatnonzero(corpus.visible[i])}
        assert set(np.unique(corpus.regions[i]).tolist()) <= {0, *seen}
        assert max(seen, default=0) <= count
        for k in seen:
            x, y = np.minimum(corpus.points[i, k - 1] * CELLS, CELLS - 1).astype(int)
            around = corpus.regions[i, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            found += k in around
    assert found > 0.9 * corpus.visible.sum()


def test_cells_go_to_the_nearest_landmark():
    points = np.array([[0.1, 0.5], [0.9, 0.5], [0.5, 0.5]], np.float32)
    covered = np.zeros((CELLS, CELLS), bool)
    covered[16] = True
    regions = _regions(covered, points, np.array([True, True, False]))
    assert set(regions[16, :16].tolist()) == {1}
    assert set(regions[16, 16:].tolist()) == {2}
    assert not np.delete(regions, 16, axis=0).any()


def test_a_corpus_is_its_seeds(corpus, tmp_path):
    again = open_corpus(tmp_path, images=70, seed=3)
    other = open_corpus(tmp_path, images=70, seed=4)
    assert np.array_equal(again.pixels, corpus.pixels)
    assert again.captions == corpus.captions
    assert not np.array_equal(other.pixels, corpus.pixels)


def test_a_corpus_is_drawn_once(tmp_path):
    drawn = []
    open_corpus(tmp_path, images=14, seed=0, progress=drawn.append)
    open_corpus(tmp_path, images=14, seed=0, progress=drawn.append)
    assert drawn == [14]
    assert [path.name for path in tmp_path.iterdir()] == ["corpus-0-14"]
