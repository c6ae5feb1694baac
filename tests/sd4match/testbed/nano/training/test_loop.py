"""Stopping and going on, on a model so small that a step takes no time."""

import json

import pytest
import torch
from torch import nn

from sd4match.errors import SD4MatchError
from sd4match.testbed.nano.training import loop
from sd4match.testbed.nano.training.loop import Stage, Training
from sd4match.testbed.nano.training.settings import Schedule

CPU = torch.device("cpu")


class Line(Stage):
    """Fit y = 3x."""

    def __init__(self, steps=120, stop_at=None, initial=0.5, seed=0, learns_from="x"):
        models = nn.ModuleDict({"line": nn.Linear(1, 1)})
        nn.init.constant_(models["line"].weight, initial)
        nn.init.zeros_(models["line"].bias)
        schedule = Schedule(steps=steps, batch=8, learning_rate=0.1, checkpoint_every=30)
        super().__init__("line", models, schedule, seed=seed, learns_from=learns_from)
        self.stop_at = stop_at

    def losses(self, step):
        if step == self.stop_at:
            raise KeyboardInterrupt
        x = torch.randn(8, 1, generator=torch.Generator().manual_seed(self.seed + step))
        return {"error": (self.models["line"](x) - 3 * x).square().mean()}


def run(folder, **options):
    stage = Line(**options)
    told = []
    Training(stage, folder, CPU).run(lambda step, note: told.append((step, note)))
    return stage.models.state_dict(), told


def rows(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_it_learns_and_tells(tmp_path):
    weights, told = run(tmp_path, steps=400)
    assert weights["line.weight"].item() == pytest.approx(3, abs=0.2)
    assert [step for step, _ in told] == list(range(50, 401, 50))
    logged = rows(tmp_path)
    assert [row["step"] for row in logged] == list(range(50, 401, 50))
    assert logged[-1]["error"] < 0.1 < logged[0]["error"]


@pytest.mark.slow
@pytest.mark.parametrize("stop", [1, 45, 60, 119])
def test_interrupted_anywhere_it_ends_with_the_same_weights(tmp_path, stop):
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    expected, _ = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", stop_at=stop)
    found, _ = run(tmp_path / "parts")
    for name, value in expected.items():
        assert torch.equal(found[name], value)
    assert [row["step"] for row in rows(tmp_path / "parts")] == [50, 100, 120]


@pytest.mark.slow
def test_a_finished_stage_does_nothing_more(tmp_path):
    expected, _ = run(tmp_path)
    found, told = run(tmp_path, stop_at=120)
    assert told == []
    assert torch.equal(found["line.weight"], expected["line.weight"])


@pytest.mark.slow
def test_what_is_left_is_the_average(tmp_path):
    weights, _ = run(tmp_path)
    (checkpoint,) = tmp_path.glob("line-*.pt")
    saved = torch.load(checkpoint, weights_only=True)
    assert torch.equal(weights["line.weight"], saved["averaged"]["line.weight"])
    assert not torch.equal(weights["line.weight"], saved["models"]["line.weight"])


@pytest.mark.slow
def test_the_models_end_frozen(tmp_path):
    stage = Line()
    Training(stage, tmp_path, CPU).run(lambda *_: None)
    assert not stage.models.training
    assert not any(p.requires_grad for p in stage.models.parameters())


@pytest.mark.slow
@pytest.mark.parametrize(
    "other", [{"initial": 0.6}, {"steps": 150}, {"seed": 1}, {"learns_from": "y"}], ids=str
)
def test_a_checkpoint_of_another_training_is_not_taken(tmp_path, other):
    run(tmp_path)
    assert Training(Line(), tmp_path, CPU).step == 120
    assert Training(Line(**other), tmp_path, CPU).step == 0


@pytest.mark.slow
def test_a_damaged_checkpoint_is_told(tmp_path):
    run(tmp_path)
    (checkpoint,) = tmp_path.glob("line-*.pt")
    checkpoint.write_bytes(b"not a checkpoint")
    with pytest.raises(SD4MatchError, match=rf"{checkpoint}: damaged .*remove it"):
        Training(Line(), tmp_path, CPU)


def test_a_loss_that_is_no_number_ends_it(tmp_path, monkeypatch):
    monkeypatch.setattr(Line, "losses", lambda self, step: {"error": torch.tensor(torch.nan)})
    with pytest.raises(SD4MatchError, match="loss is nan at step 0"):
        run(tmp_path)


def test_the_rate_warms_up_and_falls():
    rates = [loop._rate(step, 1000) for step in range(1000)]
    peak = rates.index(max(rates))
    assert 50 < peak < 250
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] == pytest.approx(0.05, abs=0.01)
