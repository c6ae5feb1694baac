"""Callbacks of Ray Tune that a search space names: checked when it is read."""

import sys

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
        ("[{_target_: ray.tune.Callback.__init__}]", "no class ray.tune.Callback.__init__"),
        ("[{_target_: ray.tune.run}]", "ray.tune.run is no ray.tune.Callback"),
        ("[{_target_: ray.tune.Tuner}]", "ray.tune.Tuner is no ray.tune.Callback"),
        ("[{_target_: Callback}]", "Callback is none of Ray's own callbacks"),
        ("[{_target_: ray.tune.logger.CSVLoggerCallback, colour: red}]", "colour"),
    ],
)
def test_what_is_none_is_refused_in_one_line(tmp_path, text, words):
    with pytest.raises(SD4MatchError) as error:
        callbacks(tmp_path, text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package that registers a callback, and something that is none."""
    (tmp_path / "my_package.py").write_text(
        "from ray.tune import Callback\nclass Mine(Callback):\n"
        "    def __init__(self, colour, tags=()): self.given = colour, tags\n"
        "class Broken(Callback):\n    def __init__(self): raise OSError('no board')\n"
        "class Other: ...\n"
    )
    info = tmp_path / "my_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[study.callbacks]\nmine = my_package:Mine\nbroken = my_package:Broken\n"
        "other = my_package:Other\ngone = my_package:Gone\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("my_package", None)


@pytest.mark.slow
def test_a_users_callback_is_registered_by_an_installed_package(tmp_path, package):
    named = "[{_target_: my_package.Mine, colour: red, tags: {by: [me]}}]"
    (made,) = create(callbacks(tmp_path, named))
    assert type(made).__name__ == "Mine"
    assert vars(made)["given"] == ("red", {"by": ["me"]})
    for text, words in {
        "[{_target_: my_package.Other}]": "my_package.Other is no ray.tune.Callback",
        "[{_target_: my_package.Gone}]": "no class my_package.Gone",
        "[{_target_: my_package.Mine}]": "missing a required argument: 'colour'",
        "[{_target_: my_package.Callback}]": "no installed package registers it",
    }.items():
        with pytest.raises(SD4MatchError, match=words):
            callbacks(tmp_path, text)
    with pytest.raises(SD4MatchError, match=r"my_package\.Broken cannot be made: no board"):
        create(callbacks(tmp_path, "[{_target_: my_package.Broken}]"))


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
