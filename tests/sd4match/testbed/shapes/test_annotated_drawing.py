"""Drawings: determinism, exact annotation, styles, captions."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from sd4match.errors import SD4MatchError
from sd4match.testbed.shapes.annotated_drawing import draw
from sd4match.testbed.shapes.category import CATEGORIES
from sd4match.testbed.shapes.palette import COLOURS
from sd4match.testbed.shapes.style import STYLES, named_rng


@pytest.fixture(scope="module", params=sorted(CATEGORIES))
def drawings(request):
    """Some drawings of one category, in every style."""
    return [
        draw(request.param, style, named_rng(0, "test", request.param, style, i))
        for style in STYLES
        for i in range(4)
    ]


def test_every_named_keypoint_is_drawn(drawings):
    drawn = set().union(*(drawing.keypoints for drawing in drawings))
    # A bird shows its feet or its far wing; four drawings a style are enough for both.
    assert drawn == set(range(len(CATEGORIES[drawings[0].category].keypoints)))


@pytest.mark.slow
def test_visible_keypoints_are_on_the_object(drawings):
    for drawing in drawings:
        rows, columns = np.nonzero(drawing.mask)
        for i, (x, y) in drawing.keypoints.items():
            if drawing.visible[i]:
                assert 0 <= x < drawing.image.width
                assert 0 <= y < drawing.image.height
                away = np.hypot(columns + 0.5 - x, rows + 0.5 - y).min()
                assert away <= 2.2, (drawing.caption, CATEGORIES[drawing.category].keypoints[i])


def test_most_keypoints_are_visible_somewhere(drawings):
    for i, name in enumerate(CATEGORIES[drawings[0].category].keypoints):
        if not name.startswith("far "):
            assert np.mean([drawing.visible.get(i, False) for drawing in drawings]) > 0.2, name


@pytest.mark.slow
def test_box_and_parts_are_those_of_the_mask(drawings):
    for drawing in drawings:
        x1, y1, x2, y2 = (int(side) for side in drawing.box)
        inside = drawing.mask[y1:y2, x1:x2]
        assert inside.sum() == drawing.mask.sum()
        assert inside[0].any()
        assert inside[-1].any()
        assert inside[:, 0].any()
        assert inside[:, -1].any()
        covered = sum(mask.astype(int) for mask in drawing.parts.values())
        np.testing.assert_array_equal(covered, drawing.mask)  # parts share no pixel, leave none


def test_captions_name_category_colours_and_background(drawings):
    for drawing in drawings:
        words = drawing.caption.split()
        assert drawing.category in words
        assert sum(word in COLOURS for word in words) >= 2
        assert any(word in words for word in ("on", "in"))
        assert "with" in words


@pytest.mark.slow
def test_sizes_vary_and_are_not_square():
    sizes = [draw("car", style, named_rng(1, style, i)).image.size
             for style in STYLES for i in range(6)]  # fmt: skip
    assert len(set(sizes)) > 9
    assert any(w > h for w, h in sizes)
    assert any(w < h for w, h in sizes)
    assert all(80 <= min(size) <= max(size) <= 200 for size in sizes)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(CATEGORIES)), st.sampled_from(sorted(STYLES)), st.integers(0, 10**9))
def test_a_drawing_is_its_seed(category, style, seed):
    first, again = (draw(category, style, named_rng(seed, "x")) for _ in range(2))
    assert first.image.tobytes() == again.image.tobytes()
    assert first.keypoints == again.keypoints
    assert first.caption == again.caption
    other = draw(category, style, named_rng(seed + 1, "x"), size=first.image.size)
    assert other.image.tobytes() != first.image.tobytes()


@pytest.mark.slow
def test_size_is_as_asked():
    assert draw("bus", "spair", named_rng(0), size=(128, 128)).image.size == (128, 128)


@pytest.mark.slow
def test_occluders_hide_keypoints():
    """The same drawing with and without something in front of it."""
    free = dataclasses.replace(STYLES["spair"], occlusion=0.0)
    covered = dataclasses.replace(STYLES["spair"], occlusion=1.0)
    hidden = 0
    for i in range(8):
        bare, other = (draw("car", style, named_rng(3, i)) for style in (free, covered))
        assert bare.keypoints == other.keypoints
        assert bare.occlusion == 0
        assert all(bare.visible[k] or not other.visible[k] for k in bare.visible)
        hidden += sum(bare.visible.values()) - sum(other.visible.values())
        assert other.mask.sum() == pytest.approx(bare.mask.sum() * (1 - other.occlusion))
    assert hidden > 0


@pytest.mark.slow
def test_sides_of_a_box_hide_each_other():
    """A car seen from behind shows no far headlight; one seen from ahead does."""
    far = CATEGORIES["car"].keypoints.index("far headlight")
    seen = {True: [], False: []}
    plain = dataclasses.replace(STYLES["spair"], occlusion=0.0, truncation=0.0)
    for i in range(40):
        drawing = draw("car", plain, named_rng(4, i))
        if abs(drawing.view.yaw) > 20:
            seen[drawing.view.yaw > 0].append(drawing.visible[far])
    assert not any(seen[False])
    assert all(seen[True])
    assert min(len(seen[True]), len(seen[False])) > 3


@pytest.mark.slow
def test_facing_left_is_the_mirror_image():
    """Keypoint ids do not depend on where the object looks."""
    ids = {name: i for i, name in enumerate(CATEGORIES["car"].keypoints)}
    facings = set()
    for i in range(12):
        drawing = draw("car", "pf_willow", named_rng(5, i))
        front, rear = (drawing.keypoints[ids[name]][0] for name in ("front wheel", "rear wheel"))
        assert np.sign(front - rear) == drawing.view.facing
        facings.add(drawing.view.facing)
    assert facings == {-1, 1}


@pytest.mark.slow
def test_wheels_are_dark_and_windows_light():
    for i in range(5):
        drawing = draw("car", "pf_pascal", named_rng(6, i))
        grey = np.asarray(drawing.image.convert("L"), float)
        assert grey[drawing.parts["wheels"]].mean() < grey[drawing.parts["windows"]].mean()


def test_unknown_names_are_user_errors():
    with pytest.raises(SD4MatchError, match="no category 'cow'"):
        draw("cow", "spair", named_rng(0))
    with pytest.raises(SD4MatchError, match="no style 'sketch'"):
        draw("car", "sketch", named_rng(0))
