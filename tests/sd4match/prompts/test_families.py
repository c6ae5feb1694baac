"""Families by name."""

import json

import pytest
import torch

from sd4match import prompts
from sd4match.errors import SD4MatchError


def test_facts_are_known_without_a_backbone():
    facts = {name: (kind.learned, kind.depends_on) for name, kind in prompts.FAMILIES.items()}
    assert facts == {
        "empty": (False, "nothing"),
        "text": (False, "category"),
        "single": (True, "nothing"),
        "class": (True, "category"),
        "cpm": (True, "pair"),
        "single_hidden": (True, "nothing"),
        "class_hidden": (True, "category"),
    }


def create(family, nano, **options):
    if "categories" in prompts.find(family).options:
        options["categories"] = ["cat", "dog"]
    return prompts.create(family, nano, **options)


@pytest.mark.parametrize("family", prompts.FAMILIES)
def test_create_makes_each_family(nano, family):
    prompt = create(family, nano)
    assert prompt.family == family
    assert bool(list(prompt.parameters())) == prompt.learned
    assert prompt.depends_on == prompts.find(family).depends_on
    content = None
    if prompt.reads:
        tokens, channels = nano.image_encoder(prompt.reads.encoder).shape(prompt.reads.part)
        content = torch.zeros(1, tokens, 2 * channels)
    hidden = prompt.hidden_states(nano, "cat", content)
    assert hidden.shape == (1, 77, nano.hidden_size)
    assert hidden.requires_grad == prompt.learned


@pytest.mark.parametrize("family", [name for name, f in prompts.FAMILIES.items() if f.learned])
def test_seed_decides_the_start(nano, family):
    first, again, other = (create(family, nano, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("family", prompts.FAMILIES)
def test_starting_a_prompt_leaves_the_global_generator_alone(nano, family):
    before = torch.random.get_rng_state()
    create(family, nano, seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("family", prompts.FAMILIES)
def test_a_prompt_is_its_config_and_its_tensors(nano, family):
    prompt = create(family, nano, seed=4)
    again = type(prompt)(**json.loads(json.dumps(prompt.config())))
    again.load_state_dict(prompt.state_dict())
    assert again.config() == prompt.config()
    assert (again.length, again.depends_on, again.reads) == (
        prompt.length,
        prompt.depends_on,
        prompt.reads,
    )


def test_options_reach_their_family(nano):
    assert prompts.create("single", nano, length=9).length == 9
    assert prompts.create("text", nano, template="{category}").config() == {
        "template": "{category}"
    }


def test_none_is_the_default(nano):
    assert prompts.create("empty", nano, length=None, template=None).length is None


def test_an_unknown_family_names_the_nearest(nano):
    with pytest.raises(
        SD4MatchError, match="unknown prompt family 'singel': did you mean 'single'"
    ):
        prompts.create("singel", nano)


def test_an_option_of_another_family_is_refused(nano):
    with pytest.raises(SD4MatchError, match="setting of text prompts 'length': known: template"):
        prompts.create("text", nano, length=5)
