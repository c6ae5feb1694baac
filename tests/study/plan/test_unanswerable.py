"""What a plan says of configurations that no launch can answer."""

import re
from dataclasses import asdict

import pytest

from study.plan.unanswerable import unanswerable

pytestmark = pytest.mark.slow

SPACE = """
baseline: {prompt: text, ensemble: 1}
axes: {prompt: [text, class, single], length: [4, 8]}
design: factorial
recipe: {steps: 3}
"""


def said(plan_on, *overrides):
    return unanswerable(plan_on(SPACE, *overrides))


def test_it_names_count_reason_and_the_number_that_is_enough(plan_on):
    evaluate = "data.evaluate=[pf_pascal]"
    (reason,) = said(plan_on, evaluate, "data.pairs=6")
    assert (reason.configurations, reason.of) == (2, 5)  # class, of two lengths; text has none
    assert reason.places == "PF-Pascal val and test"
    assert re.fullmatch(r"PF-Pascal has no training images of \w+(, \w+)* in 6 pairs", reason.why)
    least = int(reason.change.removeprefix("use data.pairs ≥ "))
    assert str(reason).startswith("never answered: 2 of 5 configurations, on PF-Pascal val and")
    assert said(plan_on, evaluate, f"data.pairs={least}") == ()
    assert said(plan_on, evaluate, f"data.pairs={least + 3}") == ()
    assert said(plan_on, evaluate, f"data.pairs={least - 1}") != ()
    assert asdict(reason)["configurations"] == 2


def test_no_number_is_enough_for_what_the_training_data_never_show(plan_on):
    for pairs in ("null", "5000"):
        (reason,) = said(plan_on, "data.evaluate=[pf_willow]", f"data.pairs={pairs}")
        assert reason.why == "PF-Pascal has no training images of duck"
        assert reason.change == (
            "choose another train.data, or leave PF-Willow out of data.evaluate"
        )
    assert said(plan_on, "data.evaluate=[pf_pascal]", "data.pairs=null") == ()
