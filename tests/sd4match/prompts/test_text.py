"""The families without parameters: empty and text."""

import pytest
import torch

from sd4match.errors import SD4MatchError
from sd4match.prompts import EmptyPrompt, TextPrompt


def encode(nano, text):
    ids = nano.tokenizer(text, padding="max_length", max_length=77, return_tensors="pt").input_ids
    return nano.text_encoder(input_ids=ids).last_hidden_state


def test_empty_is_the_unconditional_text(nano):
    hidden = EmptyPrompt().hidden_states(nano)
    assert hidden.shape == (1, 77, nano.hidden_size)
    assert torch.equal(hidden, encode(nano, ""))


def test_empty_does_not_read_the_category(nano):
    assert torch.equal(EmptyPrompt().hidden_states(nano, "cat"), EmptyPrompt().hidden_states(nano))


@pytest.mark.parametrize(
    ("category", "text"),
    [
        ("cat", "a photo of a cat"),
        ("car(G)", "a photo of a car"),
        ("winebottle(woC)", "a photo of a winebottle"),
    ],
)
def test_text_names_the_object(nano, category, text):
    assert torch.equal(TextPrompt().hidden_states(nano, category), encode(nano, text))


def test_text_takes_any_template(nano):
    prompt = TextPrompt("{category}, a {category}")
    assert torch.equal(prompt.hidden_states(nano, "dog"), encode(nano, "dog, a dog"))


def test_text_needs_a_category(nano):
    with pytest.raises(SD4MatchError, match=r"text prompt 'a photo.*needs a category"):
        TextPrompt().hidden_states(nano)


@pytest.mark.parametrize(
    "template",
    ["a {colour} {category}", "a {category", "a {} one", "a {0}", "{category:d}", "{category!r}"],
)
def test_template_with_other_fields_is_refused(template):
    with pytest.raises(SD4MatchError, match="may have no field but"):
        TextPrompt(template)


def test_a_text_that_would_be_cut_is_refused(nano):
    TextPrompt("a " * 75).hidden_states(nano, "cat")
    with pytest.raises(SD4MatchError, match="has 76 tokens, 75 fit"):
        TextPrompt("a " * 76).hidden_states(nano, "cat")


def test_written_prompts_have_nothing_to_learn():
    for prompt in (EmptyPrompt(), TextPrompt()):
        assert not prompt.learned
        assert not list(prompt.parameters())
