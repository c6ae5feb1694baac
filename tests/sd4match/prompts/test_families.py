"""Families by name."""

import pytest

from sd4match import prompts
from sd4match.errors import SD4MatchError


def test_facts_are_known_without_a_backbone():
    facts = {name: (kind.learned, kind.depends_on) for name, kind in prompts.FAMILIES.items()}
    assert facts == {
        "empty": (False, "nothing"),
        "text": (False, "category"),
        "single": (True, "nothing"),
    }


@pytest.mark.parametrize("family", prompts.FAMILIES)
def test_create_makes_each_family(nano, family):
    prompt = prompts.create(family, nano)
    assert prompt.family == family
    assert bool(list(prompt.parameters())) == prompt.learned
    assert prompt.hidden_states(nano, "cat").shape == (1, 77, nano.hidden_size)


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
