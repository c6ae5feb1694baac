"""Trials that compute nothing, on the real engine: its queue, Tune run and warm workers."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.waiting import Waiting
from study.engine.callbacks import Nodes
from study.engine.run import fit
from study.engine.work import Work
from study.engine.work_queue import WorkQueue
from study.search.record import Endings
from study.space import Space, load
from study.store import Store, StudyFolder


class MadeUp(WorkQueue):
    """Hands out items that need nothing.

    Args:
        items: of one stage each.
        on_event: as of `WorkQueue`.
    """

    def __init__(self, items: list[Work], on_event: Callable[[str, Work, str], None]) -> None:
        super().__init__(iter(()), Store("unused"), on_event, Endings())
        self._waiting = items
        self._unfinished = {work.key for work in items}
        self._exhausted = True


def space_in(folder: Path, *overrides: str) -> Space:
    """A search space whose results would go there."""
    (folder / "nothing.yaml").write_text("baseline: {prompt: empty}\n")
    here = [f"results={folder}/results", "device=cpu"]
    return load(str(folder / "nothing.yaml"), [*here, *overrides])


def run(
    seconds: list[float],
    resources: dict[str, float],
    *,
    workers: int,
    on_done: Callable[[], None] = lambda: None,
) -> list[float]:
    """Run items that wait so long each, on the Ray that is there, once all its workers are.

    Args:
        seconds: of each item.
        resources: of a trial.
        workers: how many trials run at once.
        on_done: called after each.

    Returns:
        The moment at which the workers were there, and those at which the items were done, in
        seconds of ``time.monotonic``.
    """
    ends: list[float] = []

    def on_event(event: str, work: Work, message: str) -> None:
        if event in ("failed", "retry"):
            raise SystemExit(f"{work.key}: {message}")
        if event == "done":
            ends.append(time.monotonic())
            on_done()

    def item(name: str, label: str, needs: tuple[str, ...] = ()) -> Work:
        return Work("predict", name, label, ("its stage",), needs)

    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as meeting:
        warm = [item(f"warm-{i}", f"{meeting} {workers}") for i in range(workers)]
        needs = tuple(work.key for work in warm)
        items = [item(f"item-{i}", str(wait), needs) for i, wait in enumerate(seconds)]
        queue = MadeUp([*warm, *items], on_event)
        space = space_in(Path(folder))
        fit(
            queue, space, StudyFolder.of(space), resources,
            [Nodes(on_event)], ahead=workers, trainable=Waiting,
        )  # fmt: skip
    return ends[workers - 1 :]
