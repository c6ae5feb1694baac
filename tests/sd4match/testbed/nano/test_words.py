"""nano's vocabulary."""

import pytest
from hypothesis import given, settings, strategies as st
from transformers import CLIPTokenizer

from sd4match.testbed import shapes
from sd4match.testbed.nano import words
from sd4match.testbed.shapes.style import named_rng


@pytest.fixture(scope="module")
def tokenizer():
    return CLIPTokenizer.from_pretrained(words.FOLDER)


def test_caption_words_are_single_tokens(tokenizer):
    ids = [tokenizer(word).input_ids for word in words.WORDS]
    assert {len(tokens) for tokens in ids} == {3}
    assert len({tokens[1] for tokens in ids}) == len(words.WORDS)


@pytest.mark.slow
@pytest.mark.parametrize("style", shapes.STYLES)
def test_captions_of_shapes_are_read_word_by_word(tokenizer, style):
    for number, category in enumerate(shapes.CATEGORIES):
        caption = shapes.draw(category, style, named_rng(number), size=(48, 48)).caption
        assert len(tokenizer(caption).input_ids) == len(caption.split()) + 2, caption


def test_special_tokens_are_where_the_configuration_says(tokenizer, nano):
    config = nano.text_encoder.config
    assert tokenizer.bos_token_id == config.bos_token_id
    assert tokenizer.eos_token_id == config.eos_token_id
    assert tokenizer.pad_token_id == config.pad_token_id == 0  # as in Stable Diffusion 2
    assert len(tokenizer) == config.vocab_size
    assert tokenizer.convert_ids_to_tokens(0) == "!"


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_has_tokens(tokenizer, text):
    ids = tokenizer(text, padding="max_length", max_length=77, truncation=True).input_ids
    assert len(ids) == 77
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.eos_token_id in ids
    assert bool(ids.index(tokenizer.eos_token_id) > 1) == bool(tokenizer.tokenize(text))


@pytest.mark.slow
def test_the_tokenizer_in_the_package_is_the_one_its_words_give(tmp_path):
    words.write(tmp_path)
    for name in ("vocab.json", "merges.txt"):
        assert (tmp_path / name).read_bytes() == (words.FOLDER / name).read_bytes()
