"""What happens to disks, memory and other launches: the work ends all the same, or says why not."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
import torch

from sd4match import prompts
from sd4match.errors import SD4MatchError
from sd4match.files.atomic import ABANDONED, atomic_path
from sd4match.records import parquet
from sd4match.records.parquet import about_of
from study.engine.faults import fault
from study.engine.trainable import StageTrainable
from study.engine.work import pending
from study.engine.worker import Workshop
from study.space.metric import Rule
from study.store.integrity import sweep
from study.store.lock import alone
from study.store.store import Store

RULE = Rule((0.1,), "sd4match")
SPACE = """
baseline: {prompt: single, length: 2, ensemble: 1, kernel: 3}
axes: {layer: [1]}
data: {evaluate: [pf_pascal], pairs: 3}
recipe: {steps: 3, batch_size: 2}
"""


@pytest.fixture(scope="module")
def plan(plan_on):
    return plan_on(SPACE)


def finish(plan, store, workshop=None):
    """Do all pending work; the reports."""
    workshop = workshop or Workshop(store, RULE)
    return [report for work in pending(plan, store) for report in workshop.do(work)]


@pytest.fixture(scope="module")
def done(plan, tmp_path_factory):
    """A store that holds the whole plan. Read only."""
    store = Store(tmp_path_factory.mktemp("done") / "store")
    finish(plan, store)
    return store


@pytest.fixture
def store(done, tmp_path):
    """The same to be changed."""
    shutil.copytree(done.folder, tmp_path / "store")
    return Store(tmp_path / "store")


def measured(store):
    return {
        str(file.relative_to(store.folder)): file.read_bytes()
        for part in ("tune", "predict", "score", "truth")
        for file in (store.folder / part).rglob("*")
        if file.is_file()
    }


# Damaged files ------------------------------------------------------------------------------------


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


def flip(content):
    return content[:60] + bytes([content[60] ^ 1]) + content[61:]


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


@pytest.mark.parametrize("part", ["predict", "score"])
def test_files_under_each_others_names_are_computed_again(plan, done, store, part):
    one, other = sorted(store.folder.glob(f"{part}/*/*.parquet"))[:2]
    names = {str(file.relative_to(store.folder)) for file in (one, other)}
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    with pytest.raises(SD4MatchError, match=f"damaged .it is {part}/"):
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
        monkeypatch.setattr("study.store.integrity._files", lambda *_, gone=gone: [gone])
        assert sweep(plan, store) == []


def test_a_damaged_checkpoint_begins_again(plan, done, store):
    (key,) = plan.tunes
    shutil.rmtree(store.prompt(key).parent)
    (work,) = (work for work in pending(plan, store) if work.kind == "tune")
    epochs = Workshop(store, RULE).do(work)
    next(epochs)
    checkpoint = store.checkpoint(key)
    content = checkpoint.read_bytes()
    assert sweep(plan, store) == []
    prompt = torch.load(checkpoint, weights_only=True)["prompt"]["embeddings"].numpy().tobytes()
    for damage in (content[:-100], b"", content.replace(prompt, flip(prompt))):
        assert damage != content
        checkpoint.write_bytes(damage)
        assert sweep(plan, store) == [checkpoint], len(damage)
    finish(plan, store)
    assert measured(store) == measured(done)


def test_damaged_latents_are_computed_again_by_who_reads_them(plan, done, store, caplog):
    for file in store.latents.rglob("*.safetensors"):
        file.write_bytes(flip(file.read_bytes()))
    for part in ("tune", "predict", "score"):
        shutil.rmtree(store.folder / part)
    finish(plan, store)
    assert "damaged, computed again" in caplog.text
    assert measured(store) == measured(done)


# Disks --------------------------------------------------------------------------------------------


def failing(monkeypatch, number, times):
    """Let the next writes of tables fail; how often they were tried."""
    tried, write = [], parquet.pq.write_table

    def write_table(table, where, **options):
        tried.append(where)
        if len(tried) <= times:
            where.write_bytes(b"half")
            raise OSError(number, "of the disk")
        write(table, where, **options)

    monkeypatch.setattr(parquet.pq, "write_table", write_table)
    return tried


def drop_predictions(plan, store):
    shutil.rmtree(store.folder / "predict")
    shutil.rmtree(store.folder / "score")
    return [work for work in pending(plan, store) if work.kind == "predict"]


def step(store, work):
    """All steps of a worker on an item; the last report."""
    config = {"store": str(store.folder), "rule": {"alphas": (0.1,), "protocol": "sd4match"}}
    trainable = StageTrainable.__new__(StageTrainable)
    trainable.setup({**config, "work": work})
    report = trainable.step()
    while not report["done"]:
        report = trainable.step()
    return report


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_line_and_leaves_nothing_half(plan, done, store, monkeypatch, number):
    (work,) = drop_predictions(plan, store)
    before = measured(store)
    with monkeypatch.context() as patch:
        tried = failing(patch, number, 99)
        report = step(store, work)
    assert len(tried) == 1
    assert (report["fault"], report["done"]) == ("full", True)
    assert "predict" in report["failure"]
    assert "make room" in report["failure"]
    assert "\n" not in report["failure"]
    assert measured(store) == before
    assert not list(store.folder.rglob(".*"))
    finish(plan, store)
    assert measured(store) == measured(done)


def test_storage_that_is_away_is_waited_for(plan, done, store, monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    (work,) = drop_predictions(plan, store)
    tried = failing(monkeypatch, errno.ESTALE, 4)
    report = step(store, work)
    assert "fault" not in report
    assert len(tried) > 4
    assert measured(store) == measured(done)


def test_storage_that_stays_away_is_told(plan, store, monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    (work,) = drop_predictions(plan, store)
    failing(monkeypatch, errno.EIO, 10**6)
    report = step(store, work)
    assert report["fault"] == "away"
    assert report["notes"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, ""), "full"),
        (OSError(errno.EIO, ""), "away"),
        (MemoryError(), "memory"),
        (torch.OutOfMemoryError("CUDA"), "memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "memory"),
        (SD4MatchError("no such file"), "mistake"),
        (RuntimeError("else"), "bug"),
    ],
)
def test_faults_are_told_apart_however_deep_they_are(error, kind):
    assert fault(error) == kind
    wrapped = SD4MatchError("one line")
    wrapped.__cause__ = error
    assert fault(wrapped) == ("mistake" if kind == "bug" else kind)


# Memory and numbers -------------------------------------------------------------------------------


@pytest.fixture
def cramped(plan, store):
    """A function: a workshop whose UNet runs out of memory with more than so many images."""
    (predict, *_) = plan.predicts.values()

    def make(most):
        def refuse(module, arguments):
            if len(arguments[0]) > most:
                raise torch.OutOfMemoryError(f"{len(arguments[0])} images")

        workshop = Workshop(store, RULE)
        backbone = workshop.backbone(predict.extraction.machine)
        backbone.unet.conv_in.register_forward_pre_hook(refuse)
        return workshop

    return make


def test_a_prediction_that_does_not_fit_halves_its_batch_and_says_so(
    plan, done, store, cramped, caplog
):
    drop_predictions(plan, store)
    finish(plan, store, cramped(1))
    assert "out of memory with batches of 4: goes on with 2" in caplog.text
    for file in store.folder.glob("predict/*/*.parquet"):
        assert about_of(file) == {"batch_size": 1}
        same = done.folder / file.relative_to(store.folder)
        with pytest.raises(SD4MatchError):
            about_of(same)  # as planned: nothing to say
        for name in ("x", "y"):
            one, two = (pq.read_table(f)[name].to_numpy().astype(int) for f in (file, same))
            assert abs(one - two).max() <= 2  # of 65535


def test_a_tuning_that_does_not_fit_keeps_its_batch_in_parts_and_says_so(
    plan, done, store, cramped, caplog
):
    (key,) = plan.tunes
    shutil.rmtree(store.prompt(key).parent)
    drop_predictions(plan, store)
    finish(plan, store, cramped(2))  # a pair
    assert "out of memory with batches of 2: goes on with 1" in caplog.text
    assert prompts.read_header(store.prompt(key))["training"]["micro_batch"] == 1
    assert "micro_batch" not in prompts.read_header(done.prompt(key))["training"]
    curves, wanted = (pq.read_table(s.curves(key)).to_pylist() for s in (store, done))
    assert [row["micro_batch"] for row in curves] == [1] * 3
    assert [row["loss"] for row in curves] == pytest.approx([row["loss"] for row in wanted], 1e-4)


def test_what_does_not_fit_by_the_image_fails(plan, store, cramped):
    (work,) = drop_predictions(plan, store)
    with pytest.raises(torch.OutOfMemoryError):
        list(cramped(0).do(work))


def test_a_loss_that_is_not_finite_fails_with_its_reason(plan_on, store):
    wild = plan_on(SPACE, "recipe.learning_rate=1e30")
    (work,) = (work for work in pending(wild, store) if work.kind == "tune")
    report = step(store, work)
    assert report["fault"] == "mistake"
    assert "not finite" in report["failure"]
    assert "\n" not in report["failure"]


def test_a_worker_loads_its_backbone_once(plan, store):
    shutil.rmtree(store.folder / "predict")
    shutil.rmtree(store.folder / "tune")
    config = {"store": str(store.folder), "rule": {"alphas": (0.1,), "protocol": "sd4match"}}
    trainable, backbones = StageTrainable.__new__(StageTrainable), []
    for number, work in enumerate(pending(plan, store)):
        (trainable.reset_config if number else trainable.setup)({**config, "work": work})
        while not trainable.step()["done"]:
            pass
        backbones.append(trainable._workshop.backbone(machine := _machine(work)))
    assert number
    assert all(backbone is backbones[0] for backbone in backbones)
    assert machine.known


def _machine(work):
    stage = work.stages[0]
    return stage.extraction.machine if work.kind == "predict" else stage.machine


# Other launches -----------------------------------------------------------------------------------


def test_a_second_launch_is_refused_with_the_first_ones_name(tmp_path):
    folder = tmp_path / "results" / "small"
    with alone(folder):
        refused = pytest.raises(SD4MatchError, match=r"small is being launched by process \d+ on ")
        with refused, alone(folder):
            pytest.fail("not alone")
        assert (folder / ".launch").exists()
    assert not folder.parent.exists()  # nothing was put into it


def test_what_a_launch_made_stays(tmp_path):
    with alone(tmp_path / "small"):
        (tmp_path / "small" / "study.json").touch()
    assert [file.name for file in (tmp_path / "small").iterdir()] == ["study.json"]


def test_the_lock_of_a_killed_launch_is_nobodys(tmp_path):
    hold = (
        "import sys, time, pathlib; from study.store.lock import alone\n"
        "with alone(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", hold, str(tmp_path / "small")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        refused = pytest.raises(SD4MatchError, match=f"process {process.pid} on")
        with refused, alone(tmp_path / "small"):
            pytest.fail("not alone")
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / "small" / ".launch").exists()
    with alone(tmp_path / "small"):
        assert str(process.pid) not in (tmp_path / "small" / ".launch").read_text()
