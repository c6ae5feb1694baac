"""The settings of a tuning."""

from math import ceil

import pytest

from sd4match.errors import SD4MatchError
from sd4match.tuning.recipe import TuningSettings, paper_steps


def test_the_defaults_are_the_papers():
    recipe = TuningSettings(epochs=5)
    assert (recipe.timestep, recipe.layer, recipe.kernel_size) == (261, 1, 7)
    assert (recipe.batch_size, recipe.learning_rate, recipe.temperature) == (3, 0.01, 0.04)


def test_the_papers_steps_are_those_of_one_process():
    """5 and 90 epochs in batches of 3 of the third of the pairs that one of 3 processes has."""
    assert paper_steps("spair") == 5 * ceil(53_340 / (3 * 3)) == 29_635
    assert paper_steps("pf_pascal") == 90 * ceil(2_940 / (3 * 3)) == 29_430
    with pytest.raises(SD4MatchError, match="did not train on pf_willow: give the number of steps"):
        paper_steps("pf_willow")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "give exactly one"),
        ({"epochs": 1, "steps": 1}, "give exactly one"),
        ({"epochs": 0}, "epochs is 0: it must be above 0"),
        ({"steps": -1}, "steps is -1: it must be above 0"),
        ({"steps": 1, "batch_size": 0}, "batch_size is 0"),
        ({"epochs": 2.5}, "epochs is 2.5: it must be a whole number"),
        ({"steps": 1, "learning_rate": float("nan")}, "learning_rate is nan"),
        ({"steps": 1, "seed": -1}, "seed is -1"),
        ({"steps": 1, "micro_batch": 0}, "micro_batch is 0: it must be above 0"),
        ({"steps": 1, "micro_batch": 1.5}, "micro_batch is 1.5: it must be a whole number"),
        ({"steps": 9, "schedule": "linaer"}, "did you mean 'linear'"),
        ({"steps": 9, "schedule": "polynomial"}, "schedule 'polynomial'"),
        ({"steps": 9, "warmup_steps": 3}, "schedule constant has no warm-up"),
        ({"steps": 9, "schedule": "linear", "warmup_steps": 9}, "below the 9 steps"),
        ({"steps": 9, "schedule": "linear", "warmup_steps": -1}, "warmup_steps is -1"),
        ({"steps": 9, "schedule": "linear", "warmup_steps": 1.5}, "warmup_steps is 1.5"),
        ({"steps": 9, "schedule": "constant_with_warmup"}, "needs warmup_steps above 0"),
        ({"steps": 9, "schedule": "piecewise_constant"}, "needs them"),
        ({"steps": 9, "schedule": "cosine", "step_rules": "1:3,0.1"}, "no other takes them"),
        *(
            ({"steps": 9, "schedule": "piecewise_constant", "step_rules": rules}, "step_rules is")
            for rules in ("", "0.1", "1:3", "1:3,", "1:3,2:3,1", "1:5,2:3,1", "1:0,1", "-1:3,1")
        ),
        *(
            ({"steps": 9, "schedule": "piecewise_constant", "step_rules": rules}, "below the 9 st")
            for rules in ("1:9,0.1", "1:3,0.5:10000,0.1")
        ),
        ({"steps": 9, "fusion": True, "l2_normalize": False}, "l2_normalize does not apply"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(SD4MatchError, match=message):
        TuningSettings(**settings)
