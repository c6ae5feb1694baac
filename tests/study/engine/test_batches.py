"""Batches that do not fit into memory are halved, with a warning, and change no result."""

import shutil

import pyarrow.parquet as pq
import pytest
import torch

from sd4match import prompts
from sd4match.records.parquet import about_of
from study.engine.worker import Workshop

from ..small_store import RULE, drop_predictions, finish

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
        assert about_of(file).pop("batch_size") == 1
        same = done.folder / file.relative_to(store.folder)
        assert "batch_size" not in about_of(same)  # as planned
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
