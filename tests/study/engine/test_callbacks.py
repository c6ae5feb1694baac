"""Callbacks of Ray Tune that a search space names: checked when it is read."""

import pytest
from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.logger import CSVLoggerCallback

from sd4match.errors import SD4MatchError
from study.commands.options import load
from study.engine.callbacks import Curves, create
from study.engine.work import Work


def callbacks(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(f"callbacks: {text}")
    return load(str(tmp_path / "mine.yaml"), []).file.callbacks


def test_any_callback_of_ray_is_made(tmp_path):
    named = "[{_target_: ray.tune.logger.CSVLoggerCallback}, {_target_: ray.tune.Callback}]"
    made = create(callbacks(tmp_path, named))
    assert [type(one) for one in made] == [CSVLoggerCallback, Callback]
    assert create([]) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[{logger: csv}]", "callbacks[0]: expected {_target_: ray.tune.logger.CSVLogger"),
        ("[{_target_: ray.tune.Callback}, {_target_: 3}]", "callbacks[1]: expected"),
        ("[{_target_: ray.tune.logger.CSVLoger}]", "no class ray.tune.logger.CSVLoger"),
        ("[{_target_: no_such_package.Callback}]", "no class no_such_package.Callback"),
        ("[{_target_: os.getcwd}]", "os.getcwd is no ray.tune.Callback"),
        ("[{_target_: pathlib.Path}]", "pathlib.Path is no ray.tune.Callback"),
        ("[{_target_: Callback}]", "no class Callback"),
        ("[{_target_: ray.tune.logger.CSVLoggerCallback, colour: red}]", "colour"),
    ],
)
def test_what_is_none_is_refused_in_one_line(tmp_path, text, words):
    with pytest.raises(SD4MatchError) as error:
        callbacks(tmp_path, text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_curves_that_cannot_be_written_stop_nothing(tmp_path, caplog, plan_on):
    (tmp_path / "tensorboard").write_text("no folder")
    plan = plan_on("baseline: {prompt: single, length: 2, image_size: 32}")
    tune = next(iter(plan.tunes.values()))
    work = Work("tune", tune.key, tune.label, (tune,))
    trial = Trial("none", stub=True, config={"work": work})
    curves = Curves(tmp_path / "tensorboard")
    for step in (1, 2):
        curves.on_trial_result(step, [trial], trial, {"step": step, "loss": 1.0})
    curves.on_trial_complete(2, [trial], trial)
    assert ["no more curves" in message for message in caplog.messages] == [True]
