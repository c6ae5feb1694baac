"""Workers on a real Ray: they stay warm, share a GPU, may die while idle, end on a full disk."""

import errno
import gc
import os
import re
import shutil
import signal
import sys
import time

import pytest
import ray
from ray import cloudpickle
from ray.tune.experiment import Trial

from benchmarks import made_up, waiting
from study.engine import cluster
from study.engine.run import fit
from study.engine.work import Work
from study.store.study_folder import StudyFolder

pytestmark = pytest.mark.slow
WORKERS = 4


class NoRoom(waiting.Waiting):
    """A worker that finds the disk full where an item's label says so."""

    def do(self, work):
        if work.label == "full":
            time.sleep(1)
            raise OSError(errno.ENOSPC, "no room")
        yield from super().do(work)


@pytest.fixture(scope="module")
def one_gpu():
    """A Ray with a GPU, as far as Ray can tell, and more CPUs than needed."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cluster.SETTINGS.items():
            patch.setenv(name, value)
        for module in (waiting, sys.modules[__name__]):
            cloudpickle.register_pickle_by_value(module)
        context = ray.init(
            "local", num_cpus=2 * WORKERS, num_gpus=1, include_dashboard=False, log_to_driver=False,
            logging_level="CRITICAL", object_store_memory=cluster.OBJECT_STORE,
        )  # fmt: skip
        yield
        ray.shutdown()
        shutil.rmtree(context.address_info["session_dir"], ignore_errors=True)  # type: ignore[attr-defined]
        for module in (waiting, sys.modules[__name__]):
            cloudpickle.unregister_pickle_by_value(module)


def test_workers_stay_warm_and_may_die_while_idle(one_gpu, tmp_path):
    """Four share the GPU, or they would wait for each other for ever; three of them die idle."""
    space = made_up.space_in(tmp_path, "resources.gpus_per_trial=0.25")
    resources = cluster.resources(space)
    assert resources == {"CPU": 1.0, "GPU": 0.25, "memory": 0.0}
    assert cluster.workers(resources) == WORKERS

    (tmp_path / "meeting").mkdir()
    together = [_item(f"together-{i}", f"{tmp_path}/meeting {WORKERS}") for i in range(WORKERS)]
    # Three have nothing to do meanwhile.
    alone = _item("alone", "0.5", together)
    (tmp_path / "again").mkdir()
    again = [_item(f"again-{i}", f"{tmp_path}/again {WORKERS}", [alone]) for i in range(WORKERS)]
    last = _item("last", "0.5", again)
    after = [_item(f"after-{i}", "0.1", [last]) for i in range(2 * WORKERS)]
    places, retried, trials = {}, [], []

    def on_event(event, work, message):
        assert event != "failed", message
        if event == "retry":
            retried.append(work.key)
        if event == "done":
            places[work.key] = int(re.search(r"process (\d+)", message)[1])
            if len(places) == len(items):
                gc.collect()
                trials.extend(thing for thing in gc.get_objects() if type(thing) is Trial)
            if work.key == "last":
                for process in {places[item.key] for item in again} - {places["last"]}:
                    os.kill(process, signal.SIGKILL)

    items = [*together, alone, *again, last, *after]
    queue = made_up.MadeUp([*items], on_event)
    fit(
        queue, space, StudyFolder.of(space), resources, [],
        ahead=WORKERS, trainable=waiting.Waiting,
    )  # fmt: skip
    warm = {places[item.key] for item in together}
    assert len(warm) == WORKERS
    assert {places[item.key] for item in (alone, *again, last)} == warm
    assert retried
    assert {item.key for item in after} <= places.keys()
    assert len(trials) <= WORKERS < len(items)  # Ray keeps none of those that have ended


def test_a_full_disk_ends_what_runs(one_gpu, tmp_path):
    (tmp_path / "meeting").mkdir()
    together = [_item(f"together-{i}", f"{tmp_path}/meeting 2") for i in range(2)]
    items = [*together, _item("full", "full", together), _item("long", "300", together)]
    told, started = [], time.monotonic()
    queue = made_up.MadeUp(items, lambda event, work, message: told.append((event, work.key)))
    space = made_up.space_in(tmp_path)
    fit(
        queue, space, StudyFolder.of(space), {"CPU": 1.0}, [],
        ahead=WORKERS, trainable=NoRoom,
    )  # fmt: skip
    assert time.monotonic() - started < 60
    assert queue.full == "[Errno 28] no room"
    assert ("stopped", "long") in told
    assert queue.failures == {}


def _item(key, label, needs=()):
    return Work("predict", key, label, ("its stage",), tuple(need.key for need in needs))
