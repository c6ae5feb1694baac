"""One learned sequence a category."""

import pytest
import torch

from sd4match import backbones, prompts
from sd4match.errors import SD4MatchError
from sd4match.prompts import SinglePrompt, serving_category

from ..near import assert_near

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
            unseen = prompt.embeddings[prompt.categories.index("cat")].clone()  # type: ignore[call-arg]
        optimizer.step()
    assert not torch.equal(before[0], prompt.embeddings[0])
    assert torch.equal(unseen, prompt.embeddings[prompt.categories.index("cat")])  # type: ignore[call-arg]


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


def words_of(nano, prompt):
    """The vocabulary ids whose token plus position embeddings the prompt holds."""
    core = getattr(nano.text_encoder, "text_model", nano.text_encoder)
    positions = core.embeddings.position_embedding.weight[1 : prompt.length + 1]
    distance = torch.cdist(prompt.embeddings - positions, core.embeddings.token_embedding.weight)
    assert distance.amin(1).max() < 1e-3
    return distance.argmin(1).tolist()


@pytest.mark.parametrize("length", [1, 7, 75])
def test_starts_as_a_text_of_random_words(nano, length):
    prompt = SinglePrompt.initial(nano, seed=3, length=length)
    words = words_of(nano, prompt)
    assert not set(words) & set(nano.tokenizer.all_special_ids)
    ids = [nano.tokenizer.bos_token_id, *words, nano.tokenizer.eos_token_id]
    ids += [0] * (77 - len(ids))
    expected = nano.text_encoder(input_ids=torch.tensor([ids])).last_hidden_state
    hidden = prompt.hidden_states(nano)
    assert hidden.shape == (1, 77, nano.hidden_size)
    assert_near(hidden, expected)


def test_seed_decides_the_start(nano):
    first, again, other = (SinglePrompt.initial(nano, seed=s, length=20) for s in (1, 1, 2))
    assert torch.equal(first.embeddings, again.embeddings)
    assert words_of(nano, first) != words_of(nano, other)


def test_length_is_all_that_fit_by_default(nano):
    assert SinglePrompt.initial(nano, seed=0).length == 75


@pytest.mark.parametrize("length", [0, -1, 76, 2.0])
def test_length_must_fit(nano, length):
    with pytest.raises(
        SD4MatchError, match=f"prompt length is {length}: it must be a whole number"
    ):
        SinglePrompt.initial(nano, seed=0, length=length)


def test_gradients_reach_every_token_and_nothing_else(nano):
    prompt = SinglePrompt.initial(nano, seed=0, length=5)
    hidden = prompt.hidden_states(nano)
    (
        hidden * torch.randn(hidden.shape, generator=torch.Generator().manual_seed(0))
    ).sum().backward()
    assert (prompt.embeddings.grad.abs().amax(1) > 0).all()
    assert all(p.grad is None for p in nano.text_encoder.parameters())


def test_tokens_before_a_change_do_not_see_it(nano):
    """Attention is causal, so a token's place in the sequence is what it should be."""
    prompt = SinglePrompt.initial(nano, seed=0, length=6)
    before = prompt.hidden_states(nano)
    with torch.no_grad():
        prompt.embeddings[3] = prompt.embeddings[3].flip(0)
    change = (prompt.hidden_states(nano) - before).abs().amax(-1)[0]
    assert change[:4].max() < 1e-6 < 1e-3 < change[4]  # BOS is the first


@pytest.mark.slow
def test_parameters_stay_float32_on_a_half_precision_backbone():
    half = backbones.load("nano", device="cpu", dtype="bfloat16")
    prompt = SinglePrompt.initial(half, seed=0, length=3)
    hidden = prompt.hidden_states(half)
    hidden.float().square().sum().backward()
    assert hidden.dtype == torch.bfloat16
    assert prompt.embeddings.dtype == prompt.embeddings.grad.dtype == torch.float32
