"""The terms that make prompts matter: what they are at their best, at their worst, in between."""

import math

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor

from sd4match.testbed.nano.training.grounding import (
    WatchedAttention,
    attention_loss,
    matching_loss,
    watch,
)
from sd4match.testbed.nano.training.models import initial_models

from ....near import assert_near


def regions(landmark):
    """The left half of the map belongs to a landmark."""
    map_ = torch.zeros(1, 32, 32, dtype=torch.uint8)
    map_[:, :, :16] = landmark
    return map_


def looking(at_left, at_right, tokens=3, side=8):
    """Attention of an 8 by 8 map: all of the left half to one token, of the right to another."""
    seen = torch.zeros(1, side, side, tokens)
    seen[:, :, : side // 2, at_left] = 1
    seen[:, :, side // 2 :, at_right] = 1
    return seen.flatten(1, 2)


NAMES_IT = torch.tensor([[0, 5, 255]], dtype=torch.uint8)  # token 1 names landmark 4


def test_attention_is_best_where_words_are_looked_at_from_their_place():
    assert attention_loss(looking(1, 0), regions(5), NAMES_IT).item() == 0


@pytest.mark.parametrize(
    ("left", "right"), [(0, 0), (1, 1), (1, 2), (2, 0)], ids=["not seen", "all", "other", "wrong"]
)
def test_attention_elsewhere_costs_half_the_most(left, right):
    loss = attention_loss(looking(left, right), regions(5), NAMES_IT)
    assert loss.item() == pytest.approx(-math.log(1e-4) / 2)


def test_an_unnamed_landmark_looks_at_no_name():
    assert attention_loss(looking(0, 0), regions(3), NAMES_IT).item() == 0
    assert attention_loss(looking(1, 0), regions(3), NAMES_IT).item() > 1


def matching(source, target, width=0.02, shared=True, point=(0.5, 0.5)):
    points = torch.tensor([[point]])
    return matching_loss(
        source, target, points, points, torch.tensor([[shared]]), torch.full((1, 1), width)
    )


def maps(peak=None, side=17):
    """Features that are alike everywhere but at a cell and its neighbours."""
    features = torch.zeros(1, 2, side, side)
    features[:, 0] = 1
    if peak is not None:
        x, y = peak
        features[0, 0, y - 1 : y + 2, x - 1 : x + 2] = 0
        features[0, 1, y - 1 : y + 2, x - 1 : x + 2] = 1
    return features


def test_matching_prefers_the_right_place():
    right, wrong, flat = (matching(maps((8, 8)), maps(at)).item() for at in ((8, 8), (2, 3), None))
    assert right < flat < wrong


def test_a_wide_peak_forgives_what_a_narrow_one_does_not():
    def costs(width):
        here, beside = (matching(maps((8, 8)), maps((x, 8)), width=width) for x in (8, 11))
        return (beside - here).item()

    assert 0 < costs(0.25) < costs(0.02) / 2


def test_an_endless_peak_is_met_by_a_uniform_map():
    assert matching(maps(), maps(), width=100.0).item() == pytest.approx(0, abs=1e-3)
    assert matching(maps((8, 8)), maps((8, 8)), width=100.0).item() > 0.1


def test_what_is_not_shared_does_not_count():
    source = maps((8, 8)).requires_grad_()
    loss = matching(source, maps((2, 3)), shared=False)
    assert loss.item() == 0
    loss.backward()
    assert not source.grad.any()


def test_matching_has_gradients_at_every_point():
    torch.manual_seed(0)
    source, target = (torch.randn(1, 4, 8, 8, requires_grad=True) for _ in range(2))
    matching(source, target, point=(0.98, 0.01)).backward()
    assert source.grad.isfinite().all()
    assert target.grad.abs().sum() > 0


@pytest.mark.slow
def test_watching_changes_nothing_but_the_record():
    unet = initial_models(0)["unet"].eval()
    inputs = torch.randn(2, 4, 32, 32), torch.tensor([5, 900]), torch.randn(2, 77, 128)
    with torch.no_grad():
        unet.set_attn_processor(AttnProcessor())
        expected = unet(*inputs).sample
        watchers = watch(unet)
        found = unet(*inputs).sample
    assert_near(found, expected)
    assert all(isinstance(watcher, WatchedAttention) for watcher in watchers)
    sides = sorted({int(watcher.seen.shape[1] ** 0.5) for watcher in watchers})
    assert sides == [8, 16]
    for watcher in watchers:
        torch.testing.assert_close(watcher.seen.sum(-1), torch.ones_like(watcher.seen[..., 0]))
