"""What no study needs is found and removed; what one needs stays, whichever study it is."""

import json
import os
import shutil
import socket
import time

import pytest

from sd4match.errors import SD4MatchError
from study.store import heartbeat, studies
from study.store.garbage import collect, owner_of, unneeded
from study.store.lock import alone
from study.store.mirror import Mirror, local
from study.store.store_use import in_use, not_in_use
from study.study import open_study

pytestmark = pytest.mark.slow
SPACE = "{{baseline: {{prompt: text, ensemble: 1}}, axes: {{timestep: [{}]}}, data: {{pairs: 2}}}}"


@pytest.fixture(scope="module")
def made(study_of):
    """Two studies that share a baseline: each has two timesteps, and one is in both."""
    timesteps = {"gc-one": "50, 1", "gc-two": "50, 261"}
    return [study_of(name, SPACE.format(values)) for name, values in timesteps.items()]


@pytest.fixture
def results(made, tmp_path):
    """A copy of their results."""
    copy = tmp_path / "results"
    for study in made:
        shutil.copytree(study.folder.path, copy / study.name)
        keys = set(study.index["predict"])
        for kind in ("predict", "score"):
            for key in keys:
                source = study.folder.store.folder / kind / key
                if source.is_dir():
                    shutil.copytree(source, copy / "store" / kind / key, dirs_exist_ok=True)
    shutil.copytree(made[0].folder.store.folder / "truth", copy / "store" / "truth")
    return copy


def keys(results, name):
    return set(open_study(results / name).index["predict"])


def files(folder):
    return {
        str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("[!.]*") if f.is_file()
    }


def test_all_is_needed_while_the_studies_are_there(results):
    study = open_study(results / "gc-one")
    files = {f for data in study.index["data"] for f in study.folder.store.truth_files(data)}
    assert all(map(os.path.exists, files))
    assert [one for one in unneeded(results) if one.kind != "ground truth"] == []
    gone = {results / "store" / name for one in unneeded(results) for name in one.files}
    assert not files & gone


def test_what_only_a_removed_study_needed_goes_and_the_rest_stays(results):
    one, two = keys(results, "gc-one"), keys(results, "gc-two")
    assert one & two
    cells = open_study(results / "gc-one").cells
    before = files(results / "store")
    studies.remove(results / "gc-two")
    assert studies.names(results) == ["gc-one"]
    found = [each for each in unneeded(results) if each.kind == "predictions"]
    assert {each.name for each in found} == two - one
    assert all(each.size > 0 for each in found)
    assert files(results / "store") == before  # only listed
    removed = collect(results)
    assert {each.name for each in removed if each.kind == "predictions"} == two - one
    left = {path.name for path in (results / "store" / "predict").iterdir()}
    assert left == one
    again = open_study(results / "gc-one")
    assert again.cells.equals(cells)
    assert len(again.query("SELECT * FROM keypoints"))  # reads the ground truth
    assert (set(cells["status"]), unneeded(results)) == ({"done"}, [])


def test_never_while_a_launch_runs(results):
    before = files(results)
    running = pytest.raises(SD4MatchError, match=r"gc-two is being launched: .*`study stop` it")
    with alone(results / "gc-two"), running:
        collect(results)
    # A first launch of a study that has no folder yet.
    using = pytest.raises(SD4MatchError, match="a launch uses it")
    with in_use(results / "store"), using:
        collect(results)
    beat = {"pid": os.getpid(), "host": socket.gethostname(), "time": time.time()}
    (results / "gc-one" / heartbeat.NAME).write_text(json.dumps(beat))
    with pytest.raises(SD4MatchError, match=f"as process {os.getpid()} on"):
        collect(results)
    with pytest.raises(SD4MatchError, match="gc-one is being launched"):
        studies.remove(results / "gc-one")
    (results / "gc-one" / heartbeat.NAME).unlink()
    assert files(results) == before


def test_a_launch_waits_for_nothing_that_is_being_removed(results):
    refused = pytest.raises(SD4MatchError, match="`study gc` removes files")
    with not_in_use(results / "store"), refused, in_use(results / "store"):
        pytest.fail("in use")
    with in_use(results / "store"), in_use(results / "store"):
        pass


def test_a_plan_that_cannot_be_read_stops_it(results):
    (results / "gc-two" / "cells.parquet").write_bytes(b"cut")
    with pytest.raises(SD4MatchError, match=r"cells\.parquet"):
        collect(results)


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("tune/abc/prompt.safetensors", ("prompt", "abc")),
        ("tune/abc/checkpoint.pt", ("prompt", "abc")),
        ("predict/abc/x.parquet", ("predictions", "abc")),
        ("score/abc/x-y.parquet", ("scores", "abc")),
        ("truth/f-pairs.parquet", ("ground truth", "f")),
        ("truth/f.parquet", ("ground truth", "f")),
        ("latents/abc.json", ("latents", "abc")),
        ("latents/v2-f-cpu-64/x.safetensors", ("cache of latents", "v2-f-cpu-64")),
        ("contents/v2-dino-f-cpu/x.safetensors", ("cache of image encoders", "v2-dino-f-cpu")),
        ("speed/abc/x.json", None),
        ("tune/.abc/x", None),
        ("predict/abc/.x-0123456789abcdef.parquet", None),
        (".use", None),
        ("README", None),
    ],
)
def test_whose_a_file_is(name, owner):
    assert owner_of(name) == owner


def test_caches_of_the_backbones_and_sizes_of_a_study_are_needed(results):
    print_, other = "0123456789abcdef", "f" * 16
    made = {
        "launches": [], "stages": {"kept": {}},
        "backbones": {"b": {"fingerprint": f"{print_}rest", "image_encoders": {"dino": other * 4}}},
    }  # fmt: skip
    (results / "gc-one" / "provenance.json").write_text(json.dumps(made))
    (results / "gc-two" / "provenance.json").write_text(json.dumps(made))
    mine, gone = [], []
    for name, wanted in (
        (f"latents/v2-{print_}-cpu-float32-1-64/a", True),
        (f"latents/v2-{print_}-cpu-float32-1-32/a", False),
        (f"latents/v2-{other}-cpu-float32-1-64/a", False),
        ("latents/kept.json", True),
        ("latents/lost.json", False),
        (f"contents/v2-dino-{other}-cpu/a", True),
        (f"contents/v2-clip-{print_}-cpu/a", False),
    ):
        file = results / "store" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("content")
        (mine if wanted else gone).append(file)
    collect(results)
    assert all(map(os.path.exists, mine))
    assert not any(map(os.path.exists, gone))
    assert not gone[1].parent.exists()


@pytest.mark.slow
def test_behind_a_url(results, bucket, machine):
    machine("one")
    url = f"{bucket.url}/gc-{os.getpid()}"
    place = local(url)
    shutil.copytree(results, place)
    Mirror(place).push(place)
    machine("two")
    place = local(url)
    assert studies.names(place) == ["gc-one", "gc-two"]
    two = keys(place, "gc-two") - keys(place, "gc-one")
    studies.remove(place / "gc-two")
    assert studies.names(place) == ["gc-one"]
    assert {each.name for each in collect(place) if each.kind == "predictions"} == two
    machine("three")
    left = {
        name.split("/")[1] for name in studies.sizes(local(url) / "store") if "predict/" in name
    }
    assert left == keys(local(url), "gc-one")
