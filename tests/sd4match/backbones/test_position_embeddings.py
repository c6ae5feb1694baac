"""DINOv2's position embeddings, against the authors' formula written out in numpy."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import (
    Dinov2Config,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
)
from transformers.models.dinov2 import modeling_dinov2

from sd4match.backbones.image_encoders import load_image_encoder
from sd4match.backbones.position_embeddings import interpolate, use_authors_formula
from sd4match.errors import SD4MatchError

SIZES = {"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}}
SMALL = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 14}
CPU = {"device": torch.device("cpu"), "dtype": torch.float32}


def keys(x, a):
    """Keys' cubic convolution kernel."""
    x = np.abs(x)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def four_taps(side, n):
    """(n, side): output i samples (i + ½)·side/(n + 0.1) - ½, with a repeated border."""
    weights = np.zeros((n, side))
    for i in range(n):
        at = (i + 0.5) * side / (n + 0.1) - 0.5
        for tap in range(int(np.floor(at)) - 1, int(np.floor(at)) + 3):
            weights[i, min(max(tap, 0), side - 1)] += keys(at - tap, -0.75)
    return weights


def antialiased(side, n):
    """(n, side): the cubic kernel, widened by the scale where that shrinks, normalized."""
    at = (np.arange(n)[:, None] + 0.5) * side / n - 0.5
    weights = keys((np.arange(side) - at) / max(side / n, 1), -0.5)
    return weights / weights.sum(1, keepdims=True)


def by_hand(table, grid, weights):
    side = int(np.sqrt(table.shape[1] - 1))
    square = table[0, 1:].double().numpy().reshape(side, side, -1)
    rows, columns = (weights(side, n) for n in grid)
    patches = np.einsum("hi,wj,ijd->hwd", rows, columns, square, optimize=True)
    patches = patches.reshape(-1, table.shape[2])
    return np.concatenate([table[0, :1].double().numpy(), patches])


def table_of(side=37, width=8):
    return torch.randn(1, 1 + side**2, width, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def folder(save_encoder, tmp_path_factory):
    """A DINOv2 with the published weights' 37×37 positions."""
    torch.manual_seed(0)
    model = Dinov2Model(Dinov2Config(**SMALL, image_size=518))
    torch.nn.init.normal_(model.embeddings.position_embeddings)
    return save_encoder(tmp_path_factory.mktemp("dino"), model, **SIZES)


@pytest.mark.parametrize("grid", [(16, 16), (24, 24), (48, 48), (96, 96), (5, 37), (1, 2)])
@pytest.mark.parametrize("registers", [False, True])
def test_positions_are_the_authors(grid, registers):
    table = table_of()
    expected = by_hand(table, grid, antialiased if registers else four_taps)
    found = interpolate(table, grid, registers=registers)[0]
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-5 * np.abs(expected).max())


def test_the_tables_own_grid_is_left_alone():
    table = table_of()
    assert interpolate(table, (37, 37), registers=False) is table


def test_half_precision_is_interpolated_in_single():
    table = table_of().half()
    exact = interpolate(table.float(), (16, 16), registers=False)
    assert torch.equal(interpolate(table, (16, 16), registers=False), exact.half())


@pytest.mark.slow
def test_patch_tokens_are_those_of_a_model_that_has_the_authors_positions(folder):
    """At 224 pixels, where CPM reads them; and not those of the grid's size alone."""
    encoder = load_image_encoder("dino", str(folder), **CPU)
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    found = encoder(pixels, "feat")

    table = encoder.model.embeddings.position_embeddings.detach()
    square = table[:, 1:].mT.unflatten(-1, (37, 37))
    sized = F.interpolate(square, size=(16, 16), mode="bicubic").flatten(2).mT
    expected, other = (
        tokens_with(encoder.model, positions, pixels)
        for positions in (
            torch.from_numpy(by_hand(table, (16, 16), four_taps)).float()[None],
            torch.cat([table[:, :1], sized], dim=1),
        )
    )
    scale = expected.abs().max()
    assert (found - expected).abs().max() < 1e-4 * scale
    assert (found - other).abs().max() > 1e-2 * scale


@pytest.mark.slow
def test_fused_maps_have_the_authors_positions_at_their_own_grid(folder):
    encoder = load_image_encoder("dino", str(folder), **CPU)
    pixels = torch.randn(1, 3, 24 * 14, 24 * 14, generator=torch.Generator().manual_seed(1))
    table = encoder.model.embeddings.position_embeddings.detach()
    positions = torch.from_numpy(by_hand(table, (24, 24), four_taps)).float()[None]
    expected = tokens_with(encoder.model, positions, pixels).mT.unflatten(-1, (24, 24))
    found = encoder.dense(pixels)
    assert (found - expected).abs().max() < 1e-4 * expected.abs().max()


def tokens_with(model, positions, pixels):
    """Patch tokens of a DINOv2 whose table is exactly as large as the grid of these images."""
    config = Dinov2Config(**SMALL, image_size=pixels.shape[-1])
    same = Dinov2Model(config).eval()
    state = {**model.state_dict(), "embeddings.position_embeddings": positions}
    same.load_state_dict(state)
    with torch.no_grad():
        return same(pixel_values=pixels).last_hidden_state[:, 1:]


@pytest.mark.slow
def test_registers_are_no_patches(save_encoder, tmp_path):
    torch.manual_seed(0)
    config = Dinov2WithRegistersConfig(**SMALL, image_size=518, num_register_tokens=4)
    model = Dinov2WithRegistersModel(config).eval()
    torch.nn.init.normal_(model.embeddings.position_embeddings)
    encoder = load_image_encoder("dino", str(save_encoder(tmp_path, model, **SIZES)), **CPU)
    pixels = torch.randn(1, 3, 224, 224)
    assert encoder(pixels, "feat").shape[1:] == encoder.shape("feat") == (256, 8)
    with torch.no_grad():
        whole = model(pixel_values=pixels)  # transformers has the authors' formula for these
    for part, expected in (
        ("feat", whole.last_hidden_state[:, 5:]),
        ("head", whole.pooler_output[:, None]),
    ):
        assert (encoder(pixels, part) - expected).abs().max() < 1e-4 * expected.abs().max()


def ignores_positions(self, pixel_values, bool_masked_pos=None):
    tokens = self.patch_embeddings(pixel_values)
    return torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1)


def sizes_them_itself(self, pixel_values, bool_masked_pos=None):
    """As a version that no longer calls a method of its own."""
    tokens = ignores_positions(self, pixel_values)
    side = int((self.position_embeddings.shape[1] - 1) ** 0.5)
    grid = [n // 14 for n in pixel_values.shape[-2:]]
    square = self.position_embeddings[:, 1:].mT.unflatten(-1, (side, side))
    patches = F.interpolate(square, size=grid, mode="bicubic").flatten(2).mT
    return tokens + torch.cat([self.position_embeddings[:, :1], patches], dim=1)


@pytest.mark.parametrize("forward", [ignores_positions, sizes_them_itself])
def test_a_transformers_that_does_it_otherwise_is_refused(monkeypatch, forward):
    monkeypatch.setattr(modeling_dinov2.Dinov2Embeddings, "forward", forward)
    with pytest.raises(SD4MatchError, match="computes the embeddings of Dinov2Model in a way"):
        use_authors_formula(Dinov2Model(Dinov2Config(**SMALL, image_size=518)).eval())


def test_a_transformers_that_renames_its_parts_is_refused():
    model = Dinov2Model(Dinov2Config(**SMALL, image_size=518)).eval()
    model.embeddings.positions = model.embeddings.position_embeddings
    del model.embeddings.position_embeddings
    with pytest.raises(SD4MatchError, match="install an earlier transformers"):
        use_authors_formula(model)
