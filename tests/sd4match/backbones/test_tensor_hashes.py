"""Hashes of tensors: what is one model, and what is not."""

import pytest
import torch
from safetensors.torch import save_file

from sd4match.backbones import tensor_hashes
from sd4match.backbones.tensor_hashes import tensors_hash

A, B = torch.tensor([[1.5, -0.25], [3.0, 0.0]]), torch.tensor([2.0])
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


@pytest.fixture
def hash_of(tmp_path):
    """The hash of some tensors, one dictionary a file."""
    made = []

    def write(*files, **options):
        paths = [tmp_path / f"{len(made)}-{number}.safetensors" for number in range(len(files))]
        made.extend(paths)
        for path, tensors in zip(paths, files, strict=True):
            save_file(tensors, path, metadata={"any": "thing"})
        return tensors_hash(paths, **options)

    return write


@pytest.mark.parametrize("chunk", [1, 1 << 18])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_equal_values_of_other_types_are_equal(hash_of, dtype, chunk, monkeypatch):
    monkeypatch.setattr(tensor_hashes, "_CHUNK", chunk)
    assert hash_of({"a": A, "b": B}) == hash_of({"a": A.to(dtype), "b": B.to(dtype)})


@pytest.mark.parametrize(
    "other",
    [
        {"a": A, "c": B},
        {"a": A.T.contiguous(), "b": B},
        {"a": A.flatten(), "b": B},
        {"a": A, "b": B.double() + 1e-9},
        {"a": A, "b": B.nextafter(torch.tensor(3.0))},
        {"a": A, "b": B.int()},
        {"a": A},
    ],
    ids=["name", "order", "shape", "float64", "last bit", "integers", "one fewer"],
)
def test_other_tensors_differ(hash_of, other):
    assert hash_of({"a": A, "b": B}) != hash_of(other)


@pytest.mark.parametrize("value", [-0.0, float("inf"), 6e-8, 70000.0, 1e-40])
def test_every_value_is_seen(hash_of, value):
    tensor = torch.tensor([1.0, value])
    of = {dtype: hash_of({"a": tensor.to(dtype)}) for dtype in FLOATS}
    for dtype in FLOATS:
        exact = tensor.to(dtype).double().allclose(tensor.double(), rtol=0, atol=0)
        assert (of[dtype] == of[torch.float32]) == exact
    assert of[torch.float32] != hash_of({"a": torch.tensor([1.0, 0.0])})


def test_shards_are_one_model(hash_of):
    assert hash_of({"a": A, "b": B}) == hash_of({"b": B}, {"a": A})


def test_names_that_libraries_changed_are_one(hash_of):
    old = {"vision_model.m.query.weight": A, "vision_model.position_ids": torch.arange(3)}
    assert hash_of(old) == hash_of({"m.to_q.weight": A})
    both = {"m.query.weight": A, "m.to_q.weight": B}
    assert len({hash_of(both), hash_of({"m.to_q.weight": A}), hash_of({"m.to_q.weight": B})}) == 3


def test_tensors_that_are_not_read_do_not_count(hash_of):
    whole = {"vision_model.a": A, "text_model.a": B, "logit_scale": B.clone()}
    assert hash_of(whole, leave_out=tensor_hashes.TEXT_HALF) == hash_of({"a": A})


def test_files_without_values(hash_of):
    assert hash_of({}) != hash_of({"a": torch.empty(0, 3)})


def test_a_file_is_hashed_once_until_it_changes(hash_of, tmp_path, monkeypatch):
    first = hash_of({"a": A})
    hashed = []
    compute = tensor_hashes._hash_each
    monkeypatch.setattr(tensor_hashes, "_hash_each", lambda f: hashed.append(f) or compute(f))
    file = tmp_path / "0-0.safetensors"
    assert tensors_hash([file]) == first
    assert hashed == []
    save_file({"a": A, "b": B}, file)
    assert tensors_hash([file]) != first
    assert hashed == [file]
