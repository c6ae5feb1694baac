"""Results behind a URL: transfers in both directions, and errors when they fail."""

import fsspec
import pytest

from sd4match.errors import SD4MatchError
from study.engine.faults import fault
from study.store.mirror import Mirror, local
from study.store.store import Store
from study.store.study_folder import StudyFolder


@pytest.fixture
def mirror(results, machine):
    """A function: the mirror on a machine."""

    def on(name):
        machine(name)
        return Mirror(local(results))

    return on


def write(mirror, name, text):
    file = mirror.folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def texts(mirror):
    files = (file for file in mirror.folder.rglob("*") if file.is_file())
    return {file.relative_to(mirror.folder).as_posix(): file.read_text() for file in files}


def test_a_folder_is_its_own_place(tmp_path):
    assert local(tmp_path) == local(f"file://{tmp_path}") == tmp_path
    mirror = Mirror(tmp_path)
    assert mirror.url is None
    write(mirror, "a", "1")
    mirror.pull(tmp_path, exact=True)
    mirror.push(tmp_path)
    assert texts(mirror) == {"a": "1"}
    mirror.remove(tmp_path / "a")
    assert texts(mirror) == {}


def test_what_one_machine_sends_another_gets(mirror):
    one = mirror("one")
    for name, text in (("predict/k/a", "1"), ("predict/l/b", "22"), (".hidden", "no")):
        write(one, name, text)
    one.push(one.folder)
    two = mirror("two")
    two.pull(two.folder / "predict", lambda name: name.startswith("k/"))
    assert texts(two) == {"predict/k/a": "1"}
    two.pull(two.folder)
    assert texts(two) == {"predict/k/a": "1", "predict/l/b": "22"}
    two.remove(two.folder / "predict/k/a")
    three = mirror("three")
    three.pull(three.folder)
    assert texts(three) == {"predict/l/b": "22"}


@pytest.mark.slow
def test_only_what_is_missing_or_new_travels(mirror, bucket):
    one = mirror("one")
    file = write(one, "a", "1")
    one.push(one.folder)
    name = f"{one.url.removeprefix(bucket.url)[1:]}/a"
    bucket.write(name, b"2")  # of the same size: not looked at
    one.pull(one.folder)
    one.push(one.folder)
    assert (file.read_text(), bucket.files[name]) == ("1", b"2")
    bucket.write(name, b"22")
    one.pull(one.folder)
    assert file.read_text() == "22"
    file.write_text("333")
    one.push(one.folder)
    assert bucket.files[name] == b"333"


@pytest.mark.slow
def test_what_another_removed_meanwhile_is_not_sent(mirror, bucket):
    one = mirror("one")
    file = write(one, "a", "1")
    one.send([file, file.with_name("gone")])
    assert [name.rpartition("/")[2] for name in bucket.files if one.folder.name in name] == ["a"]


def test_an_exact_pull_makes_both_ends_the_same(mirror, bucket):
    one = mirror("one")
    for name in ("a", "b", "below/c"):
        write(one, name, "1")
    one.push(one.folder)
    two = mirror("two")
    for name in ("a", "old", "below/old"):
        write(two, name, "2")
    two.pull(two.folder, below=False, exact=True)
    assert texts(two) == {"a": "1", "b": "1", "below/old": "2"}
    two.pull(two.folder, exact=True)
    assert texts(two) == {"a": "1", "b": "1", "below/c": "1"}


def test_no_object_gets_out_of_the_folder_and_hidden_ones_stay(mirror, bucket, results):
    place = results.removeprefix(bucket.url)[1:]
    bucket.write(f"{place}/.launches/other.json", b"{}")
    for name in ("../../../out", "/tmp/out", "a//b"):
        bucket.write(f"{place}/{name}", b"evil")
    one = mirror("one")
    one.pull(one.folder)
    assert not list(one.folder.parents[4].rglob("out"))
    assert texts(one) == {}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("gs://bucket/results", "pip install gcsfs"),
        ("sftp://host/results", "paramiko"),
        ("nosuch://bucket/results", "nosuch.*for example s3://"),
        ("memory://results", "no place for results"),
        ("s3://", "no place for results"),
        ("s3://bucket/../results", "no place for results"),
        ("sftp://me:secret@host/results", r"sftp://me:\*\*\*@host/results: a password or token"),
    ],
)
def test_places_that_cannot_be(url, said):
    with pytest.raises(SD4MatchError, match=said) as refused:
        Store(url)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.slow
def test_what_is_wrong_with_a_place_is_said(bucket, machine, monkeypatch):
    machine("one")
    with pytest.raises(SD4MatchError, match=r"s3://none/results.*bucket does not exist") as refused:
        Store("s3://none/results/store").pull(tunes=["a"])
    assert fault(refused.value) == "mistake"
    with pytest.raises(SD4MatchError, match="no study in s3://bucket/none/small: launch one first"):
        StudyFolder.open("s3://bucket/none/small")
    fresh = fsspec.get_filesystem_class("s3").clear_instance_cache
    try:
        fresh()
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(SD4MatchError, match="cannot be reached: Could not connect") as refused:
            Store("s3://bucket/results/store").pull(tunes=["a"])
        assert fault(refused.value) == "away"  # worth waiting for
        fresh()
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        with pytest.raises(SD4MatchError, match="Unable to locate credentials") as refused:
            Store("s3://bucket/results/store").pull(tunes=["a"])
        assert fault(refused.value) == "mistake"
    finally:
        fresh()
