"""ASHA on tunings: rungs a data set, nothing that is not learned, nothing that is paid for."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from sd4match.errors import SD4MatchError
from study.engine.scheduler import PromptAsha
from study.engine.work import Work
from study.search.record import Endings

SPACE = """
baseline: {prompt: single, length: 2, ensemble: 1}
axes: {length: [2, 4, 8, 16], prompt: [text, single]}
data: {evaluate: [pf_pascal, spair], pairs: 2}
recipe: {steps: 16}
"""


@pytest.fixture(scope="module")
def plan(plan_on):
    return plan_on(SPACE)


@pytest.fixture
def stopped():
    return {}


@pytest.fixture
def spared():
    return set()


@pytest.fixture
def report(stopped, spared):
    """Report an epoch of a stage to ASHA with reduction 2; whether the trial goes on."""
    asha = PromptAsha(2, stopped, spared, errors={}, more=lambda: False)

    def to(stage, epoch, pck, kind="tune"):
        work = Work(kind, stage.key, stage.label, (stage,))
        trial = SimpleNamespace(trial_id=stage.key, config={"work": work})
        result = {"epoch": epoch, "rung_pck": pck}
        return asha.on_trial_result(None, trial, result) == PromptAsha.CONTINUE

    return to


@pytest.fixture
def tunes(plan):
    """Data set to its tunings, by length: 2, 4, 8, 16."""
    found = {}
    for tune in plan.tunes.values():
        found.setdefault(tune.train.dataset, []).append(tune)
    order = {name: sorted(t, key=lambda t: t.settings["length"]) for name, t in found.items()}
    assert [len(part) for part in order.values()] == [4, 4]
    return order


def test_who_is_behind_at_a_rung_is_stopped_with_a_reason(report, tunes, stopped):
    first, second, third, _ = tunes["spair"]
    assert report(first, 1, 0.5)
    assert report(second, 1, 0.6)
    assert not report(third, 1, 0.1)
    assert stopped == {third.key: "stopped early by ASHA on spair after epoch 1"}
    assert report(second, 2, 0.6)
    assert not report(first, 2, 0.5)
    assert report(second, 3, 0.0)  # no rung


def test_data_sets_are_not_compared(report, tunes):
    assert report(tunes["spair"][0], 1, 0.9)
    assert report(tunes["pf_pascal"][1], 1, 0.1)


def test_a_configuration_that_lost_on_one_data_set_stops_on_the_other(report, tunes, stopped):
    assert report(tunes["spair"][0], 1, 0.9)
    assert not report(tunes["spair"][1], 1, 0.1)
    assert not report(tunes["pf_pascal"][1], 1, 1.0)
    key = tunes["pf_pascal"][1].key
    assert stopped[key] == "stopped early by ASHA on spair after epoch 1"
    assert report(tunes["pf_pascal"][2], 1, 1.0)


def test_a_prompt_that_lost_with_one_seed_stops_with_the_others(report, tunes, stopped):
    first, second, *_ = tunes["spair"]
    assert report(first, 1, 0.9)
    assert not report(second, 1, 0.1)
    other = replace(second, settings={**second.settings, "seed": 1})
    assert not report(other, 1, 1.0)
    assert stopped[other.key] == "stopped early by ASHA on spair after epoch 1"


def test_a_prompt_that_is_learned_to_the_end_is_kept(report, tunes):
    first, second, *_ = tunes["spair"]
    assert report(first, 8, 0.9)
    assert report(second, 8, 0.1)


@pytest.mark.slow
def test_the_last_epoch_of_few_steps_is_no_rung(report, plan_on):
    few = sorted(plan_on(SPACE, "recipe.steps=2").tunes.values(), key=lambda t: t.key)
    assert report(few[0], 2, 0.9)
    assert report(few[1], 2, 0.1)


def test_what_is_not_learned_is_never_stopped(report, plan, tunes, stopped):
    assert report(tunes["spair"][0], 1, 0.9)
    assert report(tunes["spair"][1], 1, None)  # no validation
    for predict in plan.predicts.values():
        assert report(predict, 1, 0.0, kind="predict")
    for latents in plan.latents.values():
        assert report(latents, 1, 0.0, kind="latents")
    assert stopped == {}


def test_who_is_spared_goes_on(report, tunes, stopped, spared):
    first, second, *_ = tunes["spair"]
    assert report(first, 1, 0.9)
    assert not report(second, 1, 0.1)
    Endings(stopped=stopped, spared=spared).spare([second.key])
    assert stopped == {}
    assert report(second, 2, 0.1)


def test_a_reduction_must_reduce(plan_on):
    with pytest.raises(SD4MatchError, match=r"search\.asha"):
        plan_on(SPACE, "search.asha=1")
