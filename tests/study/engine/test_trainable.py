"""A worker's trials on damaged files, full disks, absent storage, and losses that explode."""

import errno
import shutil

import pytest
import torch

from sd4match.records import parquet
from study.engine.trainable import StageTrainable
from study.engine.work import pending
from study.engine.worker import Workshop
from study.store.integrity import sweep

from ..small_store import RULE, SPACE, drop_predictions, finish, flip, measured

pytestmark = pytest.mark.slow


@pytest.fixture
def plan(small_plan):
    return small_plan


@pytest.fixture
def done(small_done):
    return small_done


@pytest.fixture
def store(small_store):
    return small_store


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


def failing(monkeypatch, number, times):
    """Let the next writes of tables fail; how often they were tried."""
    tried, write = [], parquet.pq.write_table  # type: ignore[attr-defined]

    def write_table(table, where, **options):
        tried.append(where)
        if len(tried) <= times:
            where.write_bytes(b"half")
            raise OSError(number, "of the disk")
        write(table, where, **options)

    monkeypatch.setattr(parquet.pq, "write_table", write_table)  # type: ignore[attr-defined]
    return tried


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
