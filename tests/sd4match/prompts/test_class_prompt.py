"""One learned sequence a category."""

import pytest
import torch

from sd4match import prompts
from sd4match.errors import SD4MatchError
from sd4match.prompts import serving_category

CATEGORIES = ["train", "car", "bottle"]  # "train" is a method of every torch module


@pytest.fixture(params=["class", "class_hidden"])
def prompt(request, nano):
    return prompts.create(request.param, nano, categories=CATEGORIES, seed=2)


def test_each_category_has_its_own_states(nano, prompt):
    states = [prompt.hidden_states(nano, name) for name in CATEGORIES]
    assert all(state.shape == (1, 77, nano.hidden_size) for state in states)
    assert not torch.equal(states[0], states[1])
    assert prompt.train() is prompt


def test_a_category_starts_the_same_whatever_the_others_are(nano):
    few = prompts.create("class", nano, categories=["car"], seed=2, length=5)
    many = prompts.create("class", nano, categories=CATEGORIES, seed=2, length=5)
    assert torch.equal(few.hidden_states(nano, "car"), many.hidden_states(nano, "car"))


def test_a_step_moves_the_categories_it_saw_and_no_others(nano):
    prompt = prompts.create("class", nano, categories=["car", "cat"], length=2)
    before = [value.clone() for value in prompt.parameters()]
    optimizer = torch.optim.Adam(prompt.parameter_groups(0.1))
    for category in ("cat", "car", "car"):
        optimizer.zero_grad()
        prompt.hidden_states(nano, category)[0, 1].sum().backward()
        if category == "car":
            unseen = prompt.embeddings[prompt.categories.index("cat")].clone()
        optimizer.step()
    assert not torch.equal(before[0], prompt.embeddings[0])
    assert torch.equal(unseen, prompt.embeddings[prompt.categories.index("cat")])


@pytest.mark.parametrize(
    ("category", "served"),
    [
        ("car", "car"),
        ("car(G)", "car"),
        ("winebottle(wC)", "bottle"),
        ("motorbike(S)", None),
        ("duck(S)", None),
        ("ca", None),
    ],
)
def test_aliases_serve_pf_willow(category, served):
    assert serving_category(CATEGORIES, category) == served


def test_a_served_category_has_its_alias_states(nano, prompt):
    assert torch.equal(prompt.hidden_states(nano, "car(M)"), prompt.hidden_states(nano, "car"))


@pytest.mark.parametrize("category", ["duck(S)", None])
def test_a_category_it_never_saw_is_named(nano, prompt, category):
    with pytest.raises(SD4MatchError, match=r"never learned for category .*bottle, car, train"):
        prompt.hidden_states(nano, category)


def test_it_needs_categories(nano):
    for categories in (None, [], "cat"):
        with pytest.raises(SD4MatchError, match="needs a list of categories"):
            prompts.create("class", nano, categories=categories)
