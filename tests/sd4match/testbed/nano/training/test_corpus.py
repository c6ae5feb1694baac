import numpy as np
import pytest
from PIL import Image

from sd4match.testbed import shapes
from sd4match.testbed.nano.training.corpus import (
    CELLS,
    NAMES,
    SIDE,
    _regions,
    drawing,
    open_corpus,
)
from sd4match.testbed.shapes.category import CATEGORIES


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return open_corpus(tmp_path_factory.mktemp("runs"), images=70, seed=3)


def test_categories_take_turns(corpus):
    assert len(corpus) == 70
    assert corpus.categories.tolist() == [i % len(NAMES) for i in range(70)]
    assert corpus.pixels.shape == (70, SIDE, SIDE, 3)
    assert all(NAMES[i] in text for i, text in zip(corpus.categories, corpus.captions, strict=True))


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_corpus_is_its_seeds_and_drawn_once(corpus, tmp_path):
    drawn = []
    first, second = (
        open_corpus(tmp_path, images=28, seed=3, progress=drawn.append) for _ in range(2)
    )
    assert drawn == [28]
    assert [path.name for path in tmp_path.iterdir()] == ["corpus-3-28"]
    assert np.array_equal(first.pixels, corpus.pixels[:28])
    assert first.captions == corpus.captions[:28]
    assert first.identity == second.identity != corpus.identity
    assert drawing(3, 0).image.tobytes() != drawing(4, 0).image.tobytes()


@pytest.mark.slow
def test_no_drawing_is_one_of_the_benchmarks(corpus, tmp_path):
    def small(image):
        return np.asarray(image.convert("RGB").resize((SIDE, SIDE)), np.int16)

    def nearest(image):
        return np.abs(corpus.pixels - small(image)).mean((1, 2, 3)).min()

    drawing(3, 40).image.save(tmp_path / "ours.jpg", quality=90)
    assert nearest(Image.open(tmp_path / "ours.jpg")) < 2  # so one of ours would be found
    shapes.generate(tmp_path / "shapes", seed=3, scale=0.01)
    theirs = [Image.open(path) for path in (tmp_path / "shapes").rglob("*.[jp][pn]g")]
    theirs = [image for image in theirs if image.mode == "RGB"]  # the others are masks
    assert len(theirs) > 50
    assert min(map(nearest, theirs)) > 5
