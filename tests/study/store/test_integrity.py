"""Damaged files of the store: found, removed, and computed again."""

import os
import time

import pytest

from sd4match.errors import SD4MatchError
from sd4match.files.atomic import ABANDONED, atomic_path
from sd4match.records import parquet
from study.store.integrity import sweep, verify
from study.store.store import Store

from ..small_store import finish, flip, measured


@pytest.fixture
def plan(small_plan):
    return small_plan


@pytest.fixture
def done(small_done):
    return small_done


@pytest.fixture
def store(small_store):
    return small_store


def test_a_sound_store_is_left_alone(plan, store):
    before = measured(store)
    assert sweep(plan, store) == []
    assert measured(store) == before


def test_what_killed_writers_left_goes_when_it_is_old(plan, store):
    before, long_ago = measured(store), time.time() - ABANDONED - 1
    parts = ("latents", "tune", "predict", "score", "truth", "speed")
    files = [next(f for f in (store.folder / p).rglob("*") if f.is_file()) for p in parts]
    files.append(next(store.latents.glob("*/*")))
    for file in files:
        writer = atomic_path(file)
        old, new = writer.__enter__(), file.with_name(f".{file.stem}-{0:016x}{file.suffix}")
        os.utime(old, (long_ago, long_ago))
        new.touch()
        assert sweep(plan, store) == []
        assert (old.exists(), new.exists()) == (False, True)
        new.unlink()
    assert measured(store) == before


@pytest.mark.slow
@pytest.mark.parametrize("damage", [flip, lambda c: c[: len(c) // 2], lambda c: b""])
@pytest.mark.parametrize(
    "pattern",
    ["predict/*/*.parquet", "score/*/*.parquet", "truth/*[0-9a-f].parquet", "truth/*-pairs.parquet",
     "tune/*/prompt.safetensors"],
)  # fmt: skip
def test_what_is_damaged_is_removed_and_computed_again(plan, done, store, pattern, damage):
    file, *_ = sorted(store.folder.glob(pattern))
    file.write_bytes(damage(file.read_bytes()))
    assert sweep(plan, store) == [file]
    finish(plan, store)
    # Scores are made by whoever asks for them, so a launch needs no worker for one that is gone.
    assert file.exists() or "score" in pattern
    assert measured(store).items() <= measured(done).items()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["predict", "score"])
def test_files_under_each_others_names_are_computed_again(plan, done, store, part):
    one, other = sorted(store.folder.glob(f"{part}/*/*.parquet"))[:2]
    names = {str(file.relative_to(store.folder)) for file in (one, other)}
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    with pytest.raises(SD4MatchError, match=f"damaged .its content is {part}/"):
        parquet.settings_of(one)
    assert sorted(sweep(plan, store)) == [one, other]
    finish(plan, store)
    whole, left = measured(done), measured(store)
    assert left.items() <= whole.items()
    # Scores are made when they are asked for.
    assert whole.keys() - left.keys() == (names if part == "score" else set())


def test_what_another_launch_removes_meanwhile_is_no_damage(plan, store, monkeypatch):
    (key,) = plan.tunes
    for gone in (store.prompt(key), store.checkpoint(key)):
        gone.unlink(missing_ok=True)
        monkeypatch.setattr("study.store.integrity._files", lambda *_, gone=gone: [(gone, (1, 1))])
        assert sweep(plan, store) == []


@pytest.mark.slow
def test_a_file_is_read_once_and_verify_reads_all(plan, store, tmp_path, monkeypatch):
    study = tmp_path / "study"
    study.mkdir()
    keys = plan.tunes, plan.predicts, {stage.data.fingerprint for stage in plan.predicts.values()}
    noting, long_ago = Store(store.folder, study), time.time() - 60
    for file in store.folder.rglob("*.*"):
        os.utime(file, (long_ago, long_ago))
    assert sweep(plan, noting) == []
    with monkeypatch.context() as patched:
        patched.setattr("study.store.integrity._sound", lambda file: pytest.fail(f"reads {file}"))
        assert sweep(plan, noting) == []

    file = next(store.folder.glob("predict/*/*.parquet"))
    file.write_bytes(flip(file.read_bytes()))
    os.utime(file, (long_ago, long_ago))
    assert sweep(plan, noting) == []  # same size and time
    before = measured(store)
    count, damaged = verify(noting, *keys)
    assert (damaged, measured(store)) == ([file], before)
    assert count == len(before) - sum("curves" in name for name in before)
    assert sweep(plan, noting) == [file]
    assert verify(noting, *keys) == (count - 1, [])
