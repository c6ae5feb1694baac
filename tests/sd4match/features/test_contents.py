"""Image encoders' outputs, computed once an image."""

from dataclasses import replace

import pytest
import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file

from sd4match.backbones import Reads
from sd4match.errors import SD4MatchError
from sd4match.features import Contents
from sd4match.features.contents import prepare
from sd4match.features.latents import to_tensor

from ..near import assert_near

FEAT, HEAD = Reads("dino", "feat"), Reads("dino", "head")


@pytest.fixture
def pair(pascal):
    return pascal["test"][0]


@pytest.fixture
def counted(nano):
    """How often the encoder ran."""
    runs = []
    model = nano.image_encoder("dino").model
    hook = model.register_forward_hook(lambda *_: runs.append(1))
    yield runs
    hook.remove()


def test_an_image_is_read_once_in_memory(nano, pair, counted):
    contents = Contents(nano)
    first = contents.read(pair, "source", FEAT)
    assert first.shape == (256, 96)
    assert contents.read(pair, "source", FEAT) is first
    assert len(counted) == 1
    assert contents.read(pair, "source", HEAD).shape == (1, 96)
    assert not torch.equal(contents.read(pair, "target", FEAT), first)


def test_an_image_is_read_once_on_disk(nano, pair, counted, sealed, tmp_path):
    first = Contents(nano, tmp_path).read(pair, "source", HEAD)
    (file,) = tmp_path.rglob("*.safetensors")
    sealed({"value": 2 * load_file(file)["value"]}, file)
    assert torch.equal(Contents(nano, tmp_path).read(pair, "source", HEAD), 2 * first)
    assert len(counted) == 1


def test_a_broken_file_is_made_again(nano, pair, tmp_path, caplog):
    first = Contents(nano, tmp_path).read(pair, "source", HEAD)
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(b"half")
    assert torch.equal(Contents(nano, tmp_path).read(pair, "source", HEAD), first)
    assert "damaged, computed again" in caplog.text


def test_a_flipped_pair_is_mirrored_first(nano, pair):
    encoder = nano.image_encoder("dino")
    mirrored = ImageOps.mirror(Image.open(pair.source_path).convert("RGB"))
    expected = encoder(prepare(mirrored, encoder)[None], "feat")[0]
    contents = Contents(nano)
    flipped = contents.read(replace(pair, flip=True), "source", FEAT)
    assert torch.equal(flipped, expected)
    assert not torch.equal(flipped, contents.read(pair, "source", FEAT))


def test_dense_maps_come_from_the_square(nano, pair):
    encoder = nano.image_encoder("dino")
    square = to_tensor(Image.open(pair.source_path), 42)[None]
    found = Contents(nano).dense(pair, "source", image_size=42, hw=(3, 3))
    assert_near(found, encoder.dense(square)[0])  # 3 patches of 14: no resizing


def test_dense_maps_have_the_size_of_the_map(nano, pair, counted):
    contents = Contents(nano)
    maps = [contents.dense(pair, "source", image_size=64, hw=hw) for hw in ((4, 4), (8, 6))]
    assert [m.shape for m in maps] == [(96, 4, 4), (96, 8, 6)]
    assert len(counted) == 2


def test_a_missing_image_is_named(nano, pair, tmp_path):
    gone = replace(pair, source_path=tmp_path / "gone.png")
    with pytest.raises(SD4MatchError, match=r"gone\.png"):
        Contents(nano).read(gone, "source", FEAT)
