"""The score index: the same answers as without it, whatever happens to the files."""

import errno
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from sd4match.errors import SD4MatchError
from sd4match.pck.ground_truth import GroundTruth
from study.analysis import measuring
from study.analysis.measuring import measure, samples
from study.analysis.results import Results
from study.store import score_index
from study.store.score_index import Entry, ScoreIndex, now
from study.store.study_folder import StudyFolder

from ..small_store import flip

SPACE = """
baseline: {backbone: nano, prompt: empty, ensemble: 1, layer: 0, kernel: 3}
axes: {prompt: [empty, text], layer: [0, 1]}
data: {evaluate: [pf_pascal], pairs: 6}
"""


@pytest.fixture(scope="module")
def made(study_of):
    """A small study, which is read once, so that its scores are there. Read only."""
    made = study_of("indexed", SPACE)
    assert (made.cells["status"] == "done").all()
    return made.folder.path


def age(results):
    """Make all files and folders of the store old enough to be remembered."""
    long_ago = time.time() - 60
    for path in sorted((results / "store").rglob("*"), reverse=True):
        os.utime(path, (long_ago, long_ago))


def copied(made, folder):
    """The folder of a copy of a study, with a store of its own, all old."""
    results = folder / "results"
    shutil.copytree(made.parent, results)
    for old in results.glob("*/.scores-*"):
        old.unlink()
    age(results)
    return StudyFolder(results / made.name)


@pytest.fixture
def folder(made, tmp_path):
    return copied(made, tmp_path)


def segments(folder):
    return sorted(folder.path.glob(".scores-*"))


def answer(read):
    """What it gives, or the error."""
    try:
        return read()
    except SD4MatchError as error:
        return str(error)


def require_same(folder):
    """With the index or without: the same numbers, the same pairs, the same error."""
    study = Results(folder)
    found = answer(lambda: study.cells)
    wanted = answer(lambda: measure(study.index, folder.store, study.rule))
    assert isinstance(found, str) == isinstance(wanted, str)
    if isinstance(wanted, str):
        assert found == wanted
        return
    pd.testing.assert_frame_equal(found, wanted, check_exact=True)
    measuring._counts.cache_clear()
    for _, row in study.index.iterrows():
        place = (row["configuration"], row["dataset"], row["split"], study.rule.usual_alpha)
        own = answer(lambda: study.samples(*place).pck.tolist())  # noqa: B023
        other = answer(lambda: samples(row, folder.store, study.rule, place[-1]).pck.tolist())  # noqa: B023
        assert own == other


def test_what_is_remembered_opens_no_record(folder, monkeypatch):
    first = Results(folder).cells
    assert len(segments(folder)) == 1

    def opened(*_):
        raise AssertionError("a record was opened")

    monkeypatch.setattr(measuring, "_read", opened)
    pd.testing.assert_frame_equal(Results(folder).cells, first, check_exact=True)


def test_young_files_are_not_remembered(folder):
    for file in folder.store.folder.glob("score/*/*"):
        file.touch()
    require_same(folder)
    assert not segments(folder)


def test_only_new_stages_are_read_and_appended(folder, monkeypatch):
    store, key = folder.store, Results(folder).index["predict"].iloc[0]
    shutil.move(store.folder / "predict" / key, folder.path.parent / "aside")
    require_same(folder)
    shutil.move(folder.path.parent / "aside", store.folder / "predict" / key)
    read, plain = [], measuring._read
    monkeypatch.setattr(measuring, "_read", lambda index, *a: read.extend(index["predict"]) or
                        plain(index, *a))  # fmt: skip
    assert (Results(folder).cells["status"] == "done").all()
    assert set(read) == {key}
    assert len(segments(folder)) == 2


def test_a_study_where_nothing_can_be_written_is_read(folder, monkeypatch):
    def refuse(*_args, **_options):
        raise OSError(errno.EROFS, "read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "touch", refuse)
        require_same(folder)
        patched.undo()
        patched.setattr(score_index.pq, "write_table", refuse)
        require_same(folder)
    assert not segments(folder)
    assert not list(folder.path.glob(".*"))


def test_many_files_become_one_and_two_writers_lose_nothing(folder):
    study = Results(folder)
    store, files = folder.store, sorted(folder.store.folder.glob("score/*/*"))[:1]
    opened = [ScoreIndex(folder.path, store.folder, study.rule) for _ in range(2)]

    def append(index, key):
        row = [None] * (len(index.columns) - 2) + [1.0, float(int(key[1:]))]
        index.add([Entry(key, tuple(files), [row])], now(folder.path))

    for number in range(2 * score_index.MOST):
        for index in opened:  # both read before both write, and both merge at once
            index.read()
        for own, index in enumerate(opened):
            append(index, f"k{2 * number + own}")
        assert len(segments(folder)) <= 2 * score_index.MOST
    found = opened[0].read()
    assert sorted(found["predict"]) == sorted(f"k{n}" for n in range(4 * score_index.MOST))
    assert (found[opened[0].columns[-1]] == found["predict"].str[1:].astype(float)).all()


def _file(folder, part, number):
    files = sorted(folder.store.folder.glob(f"{part}/*/*.parquet"))
    return files[number % len(files)] if files else None


def damage(folder, number):
    """In place: a flipped bit, half a file, or none of it."""
    if file := _file(folder, ("predict", "score")[number % 2], number // 2):
        how = (flip, lambda c: c[: len(c) // 2], lambda c: b"", lambda c: b"x" * len(c))
        content = file.read_bytes()
        file.write_bytes(how[number % 4](content or b"?" * 99))


def remove(folder, number):
    if file := _file(folder, ("predict", "score")[number % 2], number // 2):
        file.unlink()


def remove_folder(folder, number):
    if file := _file(folder, ("predict", "score")[number % 2], number // 2):
        shutil.rmtree(file.parent)


def add(folder, number):
    """Other matches: for a stage that lacks them, or in the place of its own, with their time."""
    index = Results(folder).index.drop_duplicates("predict").sort_values("predict")
    row = index.iloc[number % len(index)].to_dict()
    truth = GroundTruth(*vars(folder.store.read_truth(row["data"])[0]).values())
    rng = np.random.default_rng(number)
    key, setting = row["predict"], measuring.setting_of(row)
    old = folder.store.recorded(key).get(setting) if number % 3 else None
    stamp = old.stat().st_mtime_ns if old else None
    shutil.rmtree(folder.store.folder / "score" / key, ignore_errors=True)
    noise = rng.normal(0, 9, (1, *truth.keypoints.shape))
    file = folder.store.write_predictions(key, [setting], truth.keypoints + noise, truth)
    if stamp:
        os.utime(file, ns=(stamp, stamp))


def damage_index(folder, number):
    if found := segments(folder):
        content = found[number % len(found)].read_bytes()
        middle = len(content) // 2
        broken = (content[:middle], b"", content[:middle] + b"\0" * 40 + content[middle + 40 :])
        found[number % len(found)].write_bytes(broken[number % 3])


def remove_index(folder, number):
    for file in segments(folder):
        file.unlink()


def killed_append(folder, number):
    (folder.path / f"..scores-0-{number:016x}.parquet").write_bytes(b"PAR1 half of it")


def settle(folder, number):
    age(folder.path.parent)


ACTIONS = (damage, remove, remove_folder, add, damage_index, remove_index, killed_append, settle)


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 99)), max_size=4))
def test_answers_are_those_without_the_index(made, tmp_path_factory, steps):
    folder = copied(made, tmp_path_factory.mktemp("any"))
    require_same(folder)
    for action, number in steps:
        try:
            action(folder, number)
        except SD4MatchError:  # an addition to a damaged stage
            continue
        require_same(folder)
