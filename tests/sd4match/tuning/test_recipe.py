"""The settings of a tuning."""

import pytest

from sd4match.errors import SD4MatchError
from sd4match.tuning.recipe import TuningSettings


def test_the_defaults_are_the_papers():
    recipe = TuningSettings(epochs=5)
    assert (recipe.timestep, recipe.layer, recipe.kernel_size) == (261, 1, 7)
    assert (recipe.batch_size, recipe.learning_rate, recipe.temperature) == (3, 0.01, 0.04)


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
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(SD4MatchError, match=message):
        TuningSettings(**settings)
