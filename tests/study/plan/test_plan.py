"""Plans: cells and the stages that they share."""

import pytest

from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Place
from study.plan.plan import Planner
from study.space.reading import load

pytestmark = pytest.mark.slow


def test_an_unlearned_prompt_is_one_trial_for_all_data_sets(plan_of):
    plan, numbers = plan_of("{baseline: {prompt: empty}}")
    assert (numbers.trials, numbers.tunings, len(plan.cells)) == (1, 0, 5)


def test_a_configuration_that_is_asked_for_twice_is_one_cell_a_split(tmp_path):
    space = load("quickstart", [f"data.root={tmp_path}"])
    planner = Planner(space)
    once, twice = (planner.plan([space.baseline] * n) for n in (1, 2))
    twice.update(once)
    assert twice == once


def test_places_of_a_layer_share_a_pass_that_ends_at_the_deepest(plan_of):
    plan, numbers = plan_of("{baseline: {prompt: empty, layer: 1}, axes: {place: [1, 2]}}")
    (settings, *_), trials = plan.settings.values(), numbers.trials
    assert (trials, [layer for layer, _ in settings]) == (1, [1, Place(1, 1), Place(1, 2)])
    inside = "{baseline: {prompt: empty, layer: 1, place: 1}, axes: {place: [2]}}"
    assert plan_of(inside)[1].tflop < numbers.tflop


def test_a_place_that_a_block_lacks_is_refused(plan_of):
    with pytest.raises(SD4MatchError, match="place 4 of layer 1: nano has the places 1 to 2"):
        plan_of("{axes: {place: [1, 4]}}")


def test_missing_data_sets_are_refused_with_the_command_that_makes_them(tmp_path):
    root = tmp_path / "nowhere"
    evaluated = [f"data.root={root}", "data.evaluate=[pf_willow]"]
    message = f"data set missing: pf_willow, pf_pascal in .*sd4match data shapes {root}"
    with pytest.raises(SD4MatchError, match=message):
        Planner(load("quickstart", evaluated)).require_data()
    unlearned = [*evaluated, "baseline.prompt=text", "axes.prompt=[empty]"]
    with pytest.raises(SD4MatchError, match=f"data set missing: pf_willow in {root}"):
        Planner(load("quickstart", unlearned)).require_data()
