"""One study on several machines that share nothing but a bucket; without Ray."""

import itertools

import pytest

from sd4match.features.latents import Latents
from study.analysis.measuring import measure
from study.engine.work import pending
from study.engine.worker import Workshop
from study.plan import index
from study.space.metric import Rule
from study.store.integrity import sweep
from study.store.store import Store

pytestmark = pytest.mark.slow

RULE = Rule((0.1,), "sd4match")
SPACE = """
baseline: {prompt: single, length: 2, ensemble: 1, kernel: 3}
axes: {prompt: [single]}
data: {evaluate: [pf_pascal], pairs: 3}
recipe: {steps: 4, batch_size: 2}
"""


@pytest.fixture(scope="module")
def plan(plan_on):
    return plan_on(SPACE)


@pytest.fixture
def store_on(results, machine):
    """A function: the store, as a machine sees it."""

    def on(name):
        machine(name)
        return Store(f"{results}/store")

    return on


def records(folder):
    parts = ("tune", "predict", "score", "truth", "latents")
    files = itertools.chain.from_iterable((folder / part).rglob("*.*") for part in parts)
    return {str(f.relative_to(folder)): f.read_bytes() for f in files if f.is_file()}


def test_what_one_begins_others_go_on_with(plan, store_on, tmp_path, monkeypatch):
    alone = Store(tmp_path / "alone")
    for work in pending(plan, alone):
        list(Workshop(alone, RULE).do(work))
    items = pending(plan, store_on("driver"))
    for work in (work for work in items if work.kind == "latents"):
        list(Workshop(store_on("first"), RULE).do(work))
    # What one machine encoded no other encodes again.
    monkeypatch.setattr(Latents, "_encode", lambda *_: pytest.fail("encoded twice"))
    tune, *predicts = (work for work in items if work.kind != "latents")
    begun = Workshop(store_on("first"), RULE).do(tune)
    assert next(begun)["step"] == 1  # of 4; this machine is lost now
    begun.close()  # type: ignore[attr-defined]
    reports = list(Workshop(store_on("second"), RULE).do(tune))
    assert [report["step"] for report in reports] == [2, 3, 4]
    for work in predicts:
        list(Workshop(store_on("third"), RULE).do(work))
    store = store_on("driver")
    store.pull_plan(plan)
    assert sweep(plan, store) == []
    assert pending(plan, store) == []
    found, wanted = (measure(index.frame(index.table(plan)), s, RULE) for s in (store, alone))
    assert found.equals(wanted)
    everything = store_on("other")
    everything.mirror.pull(everything.folder)
    assert records(everything.folder) == records(alone.folder)


def test_a_damaged_copy_costs_no_object(plan, store_on, bucket):
    store = store_on("driver")
    for work in pending(plan, store):
        list(Workshop(store, RULE).do(work))
    objects, sound = bucket.files, records(store.folder)
    for part in ("tune", "predict", "score", "truth"):
        file = min(
            file for file in (store.folder / part).rglob("*.[ps]*") if "curv" not in str(file)
        )
        file.write_bytes(bytes(file.stat().st_size))
    assert records(store.folder) != sound
    assert sweep(plan, store) == []
    assert records(store.folder) == sound
    assert bucket.files == objects


def test_a_damaged_object_is_removed_and_computed_again(plan, store_on, bucket, results):
    place = f"{results.removeprefix(bucket.url)[1:]}/store/"
    for work in pending(plan, store_on("first")):
        list(Workshop(store_on("first"), RULE).do(work))
    before = bucket.files
    sealed = sorted(name for name in before if name.startswith(place) and "curves" not in name)
    names = {
        next(name for name in sealed if name.startswith(f"{place}{part}/"))
        for part in ("tune", "predict", "score", "truth")
    }
    for name in names:
        bucket.write(name, before[name][:90] + bytes([before[name][90] ^ 1]) + before[name][91:])
    store = store_on("driver")
    store.pull_plan(plan)
    removed = {file.relative_to(store.folder).as_posix() for file in sweep(plan, store)}
    assert removed == {name.removeprefix(place) for name in names}
    truths = {name for name in names if "/truth/" in name}  # which is written again at once
    assert bucket.files.keys() >= before.keys() - (names - truths)
    assert not bucket.files.keys() & (names - truths)
    for work in pending(plan, store):
        list(Workshop(store_on("second"), RULE).do(work))
    after = bucket.files
    assert {n: after[n] for n in before if "speed" not in n} == {
        n: before[n] for n in before if "speed" not in n
    }
