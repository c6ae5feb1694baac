import pytest
import torch
from diffusers import StableDiffusionPipeline
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CLIPTokenizer

from sd4match import backbones
from sd4match.backbones.text import embed_ids, encode_embeddings, encode_text, token_ids
from sd4match.testbed import shapes
from sd4match.testbed.nano import words
from sd4match.testbed.shapes.style import named_rng

TEXTS = ["", "a photo of a cat", "Ein Bild: 日本 🙂 123 o'clock", "red car " * 60]


@pytest.fixture(params=["nano", "tiny"])
def backbone(request, nano, tiny_original):
    return nano if request.param == "nano" else backbones.load(str(tiny_original), device="cpu")


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_encoded_as_by_diffusers(backbone, text):
    pipeline = StableDiffusionPipeline(
        vae=backbone.vae,
        text_encoder=backbone.text_encoder,
        tokenizer=backbone.tokenizer,
        unet=backbone.unet,
        scheduler=backbone.scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    theirs = pipeline.encode_prompt(text, "cpu", 1, False)[0]
    ours = encode_text(backbone, text)
    assert ours.shape == (1, 77, backbone.hidden_size)
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("text", TEXTS)
def test_the_way_through_embeddings_is_exact(backbone, text):
    ids = token_ids(backbone, text)
    assert torch.equal(
        encode_embeddings(backbone, embed_ids(backbone, ids)), encode_text(backbone, text)
    )


def test_embeddings_of_several_prompts_and_their_gradients(backbone):
    ids = torch.cat([token_ids(backbone, text) for text in TEXTS])
    embeddings = embed_ids(backbone, ids).requires_grad_()
    hidden = encode_embeddings(backbone, embeddings)
    assert hidden.shape == (len(TEXTS), 77, backbone.hidden_size)
    # Attention is causal: the state at token 9 depends on tokens 0 to 9 of its own prompt.
    hidden[1, 9].square().sum().backward()
    reached = embeddings.grad.abs().sum(-1) > 0
    assert reached[1].nonzero().flatten().tolist() == list(range(10))
    assert not reached[[0, 2, 3]].any()


def test_the_hook_leaves_even_when_the_model_fails(backbone):
    before = encode_text(backbone, "a cat")
    with pytest.raises(RuntimeError):
        encode_embeddings(backbone, torch.zeros(1, 77, backbone.hidden_size + 1))
    assert torch.equal(encode_text(backbone, "a cat"), before)
    core = getattr(backbone.text_encoder, "text_model", backbone.text_encoder)
    assert not core.embeddings._forward_hooks


@pytest.fixture(scope="module")
def tokenizer():
    return CLIPTokenizer.from_pretrained(words.FOLDER)


def test_caption_words_are_single_tokens(tokenizer):
    ids = [tokenizer(word).input_ids for word in words.WORDS]
    assert {len(tokens) for tokens in ids} == {3}
    assert len({tokens[1] for tokens in ids}) == len(words.WORDS)


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


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_has_tokens(tokenizer, text):
    ids = tokenizer(text, padding="max_length", max_length=77, truncation=True).input_ids
    assert len(ids) == 77
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.eos_token_id in ids
    assert bool(ids.index(tokenizer.eos_token_id) > 1) == bool(tokenizer.tokenize(text))


def test_the_tokenizer_in_the_package_is_the_one_its_words_give(tmp_path):
    words.write(tmp_path)
    for name in ("vocab.json", "merges.txt"):
        assert (tmp_path / name).read_bytes() == (words.FOLDER / name).read_bytes()
