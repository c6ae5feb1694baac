"""What a tuning tells while it runs, and that telling changes nothing."""

import pytest

from sd4match import prompts
from study.engine.worker import Workshop, reports
from study.space.metric import Rule
from study.store.store import Store

SPACE = """
baseline: {prompt: single, length: 2, ensemble: 1}
data: {evaluate: [pf_pascal], pairs: 3}
recipe: {steps: 16, batch_size: 2}
"""


@pytest.fixture(scope="module")
def tell(plan_on, tmp_path_factory):
    """A function: (reports, prompt's bytes) of the whole tuning, telling every so many seconds."""
    (stage,) = plan_on(SPACE).tunes.values()

    def told(every):
        folder = tmp_path_factory.mktemp("tuning")
        workshop = Workshop(Store(folder / "store"), Rule((0.1,), "sd4match"))
        tuning = workshop.tuning(stage, stage.settings, stage.train.open(), stage.val.open())
        found = list(reports(tuning, folder / "checkpoint.pt", every=every))
        prompts.save(tuning.best_prompt(), folder / "prompt.safetensors", training={})
        return found, (folder / "prompt.safetensors").read_bytes(), tuning.losses

    return told


def test_every_step_is_told_where_steps_are_long_and_nothing_changes(tell):
    often, prompt, losses = tell(0.0)
    seldom, same, _ = tell(1e9)
    assert prompt == same
    assert [row["epoch"] for row in seldom] == list(range(1, 9))
    steps = [row for row in often if "epoch" not in row]
    assert [row["step"] for row in steps] == list(range(1, 17))
    assert [row["loss"] for row in steps] == losses
    assert [row["val_pck"] for row in often if "epoch" in row] == [r["val_pck"] for r in seldom]
    assert seldom[0]["loss"] == pytest.approx(sum(losses[:2]) / 2)
