"""Dense matching agrees with upsampling all channels of both maps to their images."""

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch.nn.functional import interpolate, normalize

from sd4match.errors import SD4MatchError
from sd4match.matching import dense
from sd4match.matching.dense import match_dense
from sd4match.matching.keypoints import pixels_to_centered_cells
from sd4match.matching.localization import localize, match, match_many
from sd4match.matching.readout import Readout


def maps(seed, hw, hw2, *, c=6, b=1):
    generator = torch.Generator().manual_seed(seed)
    # Neighbors are alike, as in features; independent cells would put every peak on a cell.
    return [
        torch.randn(b, c, *shape, generator=generator, dtype=torch.float64) + 0.5
        for shape in (hw, hw2)
    ]


def similarities(source, target, pixels, source_size, size, *, l2_normalize=True):
    """(N, H, W): all pixels of both images have a vector each, as in DIFT's definition."""
    vectors = interpolate(source, source_size, mode="bilinear")[0]
    every = interpolate(target, size, mode="bilinear")[0]
    queries = vectors[:, pixels[:, 1], pixels[:, 0]]
    if l2_normalize:
        queries, every = normalize(queries, dim=0), normalize(every, dim=0)
    return torch.einsum("cn,chw->nhw", queries, every)


def queries(pixels, source_size, hw):
    return torch.from_numpy(pixels_to_centered_cells(pixels.numpy(), source_size[::-1], hw))[None]


@pytest.mark.parametrize("l2_normalize", [True, False])
@pytest.mark.parametrize(
    ("source_size", "size", "hw", "hw2"),
    [
        ((40, 60), (37, 53), (7, 9), (8, 6)),
        ((30, 30), (300, 40), (5, 5), (16, 16)),  # tall
        ((21, 210), (9, 260), (4, 9), (6, 5)),  # wide
        ((4, 5), (5, 4), (8, 8), (8, 9)),  # fewer pixels than cells
        ((6, 6), (8, 6), (6, 6), (8, 6)),  # a pixel a cell
        ((40, 40), (1, 33), (4, 4), (1, 7)),
    ],
)
def test_the_best_pixel_is_that_of_upsampled_maps(source_size, size, hw, hw2, l2_normalize):
    source, target = maps(1, hw, hw2)
    h, w = source_size
    generator = torch.Generator().manual_seed(0)
    pixels = (torch.rand(11, 2, generator=generator) * torch.tensor([w, h])).long()
    pixels[0], pixels[1] = torch.tensor([0, 0]), torch.tensor([w - 1, h - 1])
    every = similarities(source, target, pixels, source_size, size, l2_normalize=l2_normalize)
    best = every.flatten(1).argmax(1)
    found = match_dense(
        source, target, queries(pixels, source_size, hw), size=size, l2_normalize=l2_normalize
    )
    assert found.dtype == torch.float64
    assert found[0].tolist() == torch.stack([best % size[1], best // size[1]], 1).tolist()


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    hw=st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
def test_no_pixel_is_more_similar(seed, size, hw):
    source, target = maps(seed, (3, 4), hw)
    pixels = torch.tensor([[0, 0], [7, 3], [9, 8]])
    every = similarities(source, target, pixels, (9, 10), size)
    (found,) = match_dense(source, target, queries(pixels, (9, 10), (3, 4)), size=size).long()
    chosen = every[torch.arange(3), found[:, 1], found[:, 0]]
    assert (every.flatten(1).amax(1) - chosen).max() < 1e-5  # v / (|v| + 1e-6) is a little less


def test_of_equal_pixels_the_first_is_taken():
    ones = torch.ones(1, 3, 4, 5)
    assert match_dense(ones, ones, torch.tensor([[[2.0, 2.0]]]), size=(70, 90)).tolist() == [
        [[0, 0]]
    ]
    striped = torch.eye(2)[:, None, :].repeat(1, 4, 3)[None]  # columns 0, 2 and 4 are equal
    (found,) = match_dense(striped, striped, torch.tensor([[[2.0, 3.0]]]), size=(40, 60))
    assert found.tolist() == [[0, 0]]


@pytest.mark.parametrize("chunk", [1, 100])
def test_memory_is_bounded_and_changes_nothing(monkeypatch, chunk):
    source, target = maps(3, (5, 5), (6, 7), b=2)
    points = torch.rand(2, 9, 2, dtype=torch.float64) * 4
    expected = match_dense(source, target, points, size=(50, 31))
    largest = []
    between = dense._between

    def watched(*args, **options):
        made = between(*args, **options)
        largest.append(made.numel())
        return made

    monkeypatch.setattr(dense, "_CHUNK", chunk)
    monkeypatch.setattr(dense, "_between", watched)
    assert torch.equal(match_dense(source, target, points, size=(50, 31)), expected)
    assert max(largest) <= max(chunk, 2 * 6 * 31)  # one query's columns


def test_match_takes_it_with_a_size():
    source, target = (map_.float() for map_ in maps(4, (5, 5), (6, 7), b=2))
    points = torch.rand(2, 3, 2) * 4
    found = match(source, target, points, localizer="dense", size=(60, 70))
    assert torch.equal(found, match_dense(source, target, points, size=(60, 70)))
    twice = match(source, target, points, localizer="dense", size=(60, 70), kernel_sigma=[1, 2])
    assert torch.equal(twice, torch.stack([found, found]))
    assert match_dense(source, target, points[:, :0], size=(6, 7)).shape == (2, 0, 2)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda s, t, q: match(s, t, q, localizer="dense"), "needs size="),
        (lambda s, t, q: match(s, t, q, localizer="dense", size=(0, 5)), "needs size="),
        (lambda s, t, q: localize(torch.rand(1, 1, 3, 3), localizer="dense"), "needs the feature"),
        (lambda s, t, q: match_many(s, t, q, [Readout("dense")]), "answers in pixels"),
    ],
)
def test_it_is_refused_where_it_cannot_answer(ask, message):
    source, target = maps(5, (3, 3), (3, 3))
    with pytest.raises(SD4MatchError, match=message):
        ask(source, target, torch.zeros(1, 1, 2))
