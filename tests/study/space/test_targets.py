"""A search space names no code but what is allowed; nothing else is imported."""

import sys

import pytest

from sd4match.errors import SD4MatchError
from study.commands.options import load
from study.space import targets
from study.space.schema import SpaceFile


@pytest.fixture
def spy(tmp_path, monkeypatch):
    """A module on Python's path; its import and its calls leave a file behind."""
    ran = tmp_path / "ran"
    code = (
        f"from pathlib import Path\ndef run(**_): Path({str(ran)!r}).touch()\nrun()\nclass C: ..."
    )
    (tmp_path / "a_spy.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    yield ran
    sys.modules.pop("a_spy", None)


HOSTILE = {
    "callbacks: [{_target_: a_spy.C}]": "callbacks[0]: a_spy.C is none of Ray's own callbacks",
    "callbacks: [{_target_: a_spy.run, of: {_target_: a_spy.run}}]": "callbacks[0]: a_spy.run",
    "callbacks: [{_target_: no.where.C, of: {_target_: a_spy.run}}]": "callbacks[0]: no.where.C",
    "callbacks: [{_target_: ray.tune.Callback, of: {_target_: a_spy.run}}]": "callbacks[0].of._ta",
    "callbacks: [{_target_: ray.tune.Callback, of: [{_target_: a_spy.run}]}]": "[0].of[0]._target_",
    "callbacks: [{_target_: ray.tune.Callback, _partial_: true}]": "callbacks[0]._partial_",
    "callbacks: [{_target_: ray.tune.Callback, _args_: [1]}]": "callbacks[0]._args_",
    "callbacks: [{_target_: ray.tuned.C}]": "callbacks[0]: ray.tuned.C",
    "callbacks: [{_target_: [a_spy.C]}]": "callbacks[0]: expected",
    "search: {sampler: {_target_: a_spy.C}}": "a_spy.C is no sampler of Optuna's",
    "search: {sampler: {_target_: optuna.samplers.TPESampler, of: {_target_: a_spy.run}}}": "TPE",
    "search: {points: [{prompt: {_target_: a_spy.run}}]}": "search.points[0].prompt._target_",
    "axes: {prompt: [{_target_: a_spy.run}]}": "axes.prompt[0]._target_",
    "baseline: {l2_normalize: {_target_: a_spy.run}}": "baseline.l2_normalize._target_",
    "tie: [{_target_: a_spy.run}]": "tie[0]._target_",
    "prompts: {_target_: {spair: a_spy.run}}": "prompts._target_",
    "image_encoders: {_target_: a_spy.run}": "image_encoders._target_",
    "recipe: {_target_: a_spy.run}": "_target_",
    "_target_: a_spy.run": "_target_",
    "hydra: {launcher: {_target_: a_spy.run}}": "hydra: Hydra's own settings",
    "hydra: {searchpath: ['pkg://a_spy']}": "hydra",
    "name: !!python/object/apply:a_spy.run []": "python/object/apply",
}


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE)
def test_no_space_runs_or_imports_what_it_likes(text, tmp_path, spy):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(SD4MatchError) as error:
        load(str(tmp_path / "mine.yaml"), [])
    assert HOSTILE[text] in str(error.value)
    assert "\n" not in str(error.value)
    assert not spy.exists()
    assert "a_spy" not in sys.modules


@pytest.mark.slow
@pytest.mark.parametrize(
    "override",
    [
        "callbacks=[{_target_: a_spy.C}]",
        "callbacks=[{_target_: ray.tune.Callback, of: {_target_: a_spy.run}}]",
        "search.sampler={_target_: a_spy.C}",
        "+_target_=a_spy.run",
        "+data._target_=a_spy.run",
        "axes._target_=a_spy.run",
        "hydra.searchpath=[pkg://a_spy]",
    ],
)
def test_no_override_does(override, tmp_path, spy):
    (tmp_path / "mine.yaml").write_text("")
    with pytest.raises(SD4MatchError):
        load(str(tmp_path / "mine.yaml"), [override])
    assert not spy.exists()


def test_plain_settings_are_allowed():
    tags = {"_target_": "ray.air.integrations.mlflow.MLflowLoggerCallback", "tags": {"by": ["me"]}}
    targets.check(SpaceFile(callbacks=[tags], prompts={"_mine": {"spair": "file"}}))
