"""Seals: whatever happens to a byte is noticed."""

import pytest

from sd4match.files import seal


@pytest.fixture
def sealed(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"\x00before\n" + seal.BLANK.encode() + bytes(range(256)))
    seal.close(file)
    return file


def test_a_sealed_file_is_intact_wherever_it_is(sealed, tmp_path):
    assert seal.intact(sealed)
    assert seal.intact(sealed.rename(tmp_path / "elsewhere"))


def test_every_bit_counts(sealed):
    content = sealed.read_bytes()
    for i in range(len(content)):
        sealed.write_bytes(content[:i] + bytes([content[i] ^ 4]) + content[i + 1 :])
        assert not seal.intact(sealed), i


@pytest.mark.parametrize(
    "damage",
    [lambda c: b"", lambda c: c[:-1], lambda c: c + b"\x00", lambda c: c + c, lambda c: c[:40]],
)
def test_lengths_count(sealed, damage):
    sealed.write_bytes(damage(sealed.read_bytes()))
    assert not seal.intact(sealed)


def test_a_file_without_a_place_for_it_cannot_be_sealed(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    assert not seal.intact(tmp_path / "file")
    with pytest.raises(ValueError, match="not found"):
        seal.close(tmp_path / "file")
