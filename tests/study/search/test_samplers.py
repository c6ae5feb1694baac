"""Samplers by name and by target, and the points that they propose."""

import optuna
import pytest
from optuna.trial import TrialState

from sd4match.errors import SD4MatchError
from study.search import samplers
from study.search.proposals import Proposals, TrialResult
from study.space.schema import Search
from study.space.search_settings import SAMPLERS

AXES = {"prompt": ("empty", "text", "single", "cpm"), "length": (75, 4, 16), "timestep": (0, 50)}
POINTS = 2 * 3 + 2 * 3  # three families without a length and `single` with three


def anything(point):
    return True


def propose(sampler, count, *, axes=AXES, given=(), directions=("maximize",), possible=anything):
    """The first points of a search for long prompts."""
    generation = 4
    proposals = Proposals(
        axes,
        samplers.create(Search(sampler=sampler, generation=generation, seed=1)),
        prompt="single",
        directions=directions,
        given=given,
        possible=possible,
    )
    found = []
    while len(found) < count:
        asked = [p for _ in range(generation) if (p := proposals.ask())]
        if not asked:
            break
        for proposal in asked:
            length = proposal.point.get("length", 0)
            values = tuple(float(length + i) for i in range(len(directions)))
            proposals.tell(proposal, TrialResult(TrialState.COMPLETE, values))
        found += [proposal.point for proposal in asked]
    return found


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_proposes_the_same_and_means_something(sampler):
    found = propose(sampler, 8)
    assert found == propose(sampler, 8)
    for point in found:
        assert ("length" in point) == (point["prompt"] == "single")
        assert all(value in AXES[name] for name, value in point.items())


@pytest.mark.slow
@pytest.mark.parametrize("sampler", [*SAMPLERS, {"_target_": "optuna.samplers.BruteForceSampler"}])
def test_every_point_is_proposed_once(sampler):
    found = propose(sampler, 1000)
    assert len(found) == len({tuple(point.items()) for point in found}) == POINTS


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "gp", "nsgaii"])
def test_a_sampler_learns_from_what_it_is_told(sampler):
    axes = {**AXES, "timestep": tuple(range(0, 1000, 10))}
    late, blind = (propose(by, 40, axes=axes)[20:] for by in (sampler, "random"))
    good, by_chance = (sum(point.get("length", 0) for point in found) for found in (late, blind))
    assert good > 1.5 * by_chance


@pytest.mark.parametrize("sampler", ["tpe", "gp", "random", "nsgaii"])
def test_several_objectives_suit_every_sampler(sampler):
    assert len(propose(sampler, POINTS, directions=("maximize", "minimize"))) == POINTS


def test_names_make_what_they_say():
    made = {name: type(samplers.create(Search(sampler=name))).__name__ for name in SAMPLERS}
    assert made == {
        "tpe": "TPESampler",
        "gp": "GPSampler",
        "random": "RandomSampler",
        "grid": "NoneType",
        "nsgaii": "NSGAIISampler",
    }


def test_a_grid_goes_in_the_order_of_the_values():
    found = propose("grid", 1000)
    assert found[:2] == [{"prompt": "empty", "timestep": 0}, {"prompt": "empty", "timestep": 50}]


@pytest.mark.parametrize("sampler", ["grid", "tpe"])
def test_what_is_impossible_is_not_proposed(sampler):
    axes = {"prompt": ("cpm",), "global_length": (5, 50), "content_length": (5, 50)}
    found = propose(
        sampler, 9, axes=axes, possible=lambda p: p["global_length"] + p["content_length"] <= 75
    )
    assert {(p["global_length"], p["content_length"]) for p in found} == {(5, 5), (5, 50), (50, 5)}


@pytest.mark.slow
def test_any_sampler_of_optunas_by_its_target():
    target = {"_target_": "optuna.samplers.TPESampler", "n_startup_trials": 1}
    made = samplers.create(Search(sampler=target, seed=5))
    assert isinstance(made, optuna.samplers.TPESampler)
    assert propose(target, 12) == propose(target, 12) != propose("tpe", 12)
    quasi = {"_target_": "optuna.samplers.QMCSampler", "warn_independent_sampling": False}
    assert len(propose(quasi, 12, axes={"timestep": (0, 50, 100)})) == 3


@pytest.mark.parametrize(
    ("sampler", "complaint"),
    [
        ({"_target_": "optuna.samplers.TPESampla"}, "did you mean 'TPESampler'"),
        ({"_target_": "optuna.samplers.nsgaii"}, "search.sampler"),
        ({"_target_": "optuna.samplers.TPESampler", "startup": 1}, "TPESampler: cannot be made"),
    ],
)
def test_targets_that_are_no_sampler(sampler, complaint):
    with pytest.raises(SD4MatchError, match=complaint) as error:
        samplers.create(Search(sampler=sampler))
    assert "\n" not in str(error.value)


def test_a_sampler_whose_package_is_missing_says_so(monkeypatch):
    def missing(*_):
        raise ImportError("No module named 'cmaes'")

    monkeypatch.setattr(optuna.samplers.RandomSampler, "sample_independent", missing)
    with pytest.raises(SD4MatchError, match="No module named 'cmaes': install it"):
        propose("random", 1)


def test_given_points_come_first_and_numbers_are_known_by_rank():
    given = [{"prompt": "single", "length": 75, "timestep": 50}, {"prompt": "text"}]
    first, second, *_ = propose("random", 8, given=given)
    assert first == given[0]
    assert second["prompt"] == "text"
    assert second["timestep"] in AXES["timestep"]
    proposals = Proposals(AXES, samplers.create(Search()), prompt="single")
    parameters = proposals.parameters(first)
    assert parameters == {"prompt": "single", "length (rank)": 2, "timestep (rank)": 1}
    assert proposals.point(parameters) == first


def test_what_a_configuration_says_is_a_point_or_none():
    proposals = Proposals(AXES, samplers.create(Search()), prompt="single")
    row = {"prompt": "text", "length": None, "timestep": 50, "layer": 3}
    assert proposals.read(row) == {"prompt": "text", "timestep": 50}
    assert proposals.read({**row, "timestep": 51}) is None
    assert proposals.read({**row, "prompt": "single", "length": 16})["length"] == 16
