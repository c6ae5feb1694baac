"""Learned tokens as textual inversions of diffusers."""

import copy

import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file

from sd4match import prompts
from sd4match.errors import SD4MatchError

from ..near import assert_near


@pytest.mark.slow
@pytest.mark.parametrize("length", [1, 5, 75])
@pytest.mark.parametrize("category", [None, "cat"])
def test_diffusers_reads_the_textual_inversion(nano, tmp_path, length, category):
    """Up to EOS: what follows is padding, of which diffusers' is another token."""
    family = "class" if category else "single"
    options = {"categories": ["dog", "cat"]} if category else {}
    prompt = prompts.create(family, nano, seed=2, length=length, **options)
    with torch.no_grad():
        for parameter in prompt.parameters():
            parameter += torch.randn_like(parameter) / 2  # no words any more
    path = tmp_path / "ti.safetensors"
    prompts.export_textual_inversion(prompt, path, nano, category=category)
    assert [value.shape for value in load_file(path).values()] == [(length, nano.hidden_size)]

    pipe = StableDiffusionPipeline(
        vae=nano.vae,
        text_encoder=copy.deepcopy(nano.text_encoder),
        tokenizer=copy.deepcopy(nano.tokenizer),
        unet=nano.unet,
        scheduler=nano.scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.load_textual_inversion(str(path))
    text = pipe.maybe_convert_prompt("<sd4match>", pipe.tokenizer)
    assert len(pipe.tokenizer(text).input_ids) == length + 2
    hidden = pipe.encode_prompt("<sd4match>", "cpu", 1, False)[0]
    expected = prompt.hidden_states(nano, category)
    until_eos = slice(length + 2)
    assert_near(hidden[:, until_eos], expected[:, until_eos])


@pytest.mark.parametrize("family", ["empty", "single_hidden", "Pair-DINO-Feat-G3-C5"])
def test_what_is_no_token_is_no_textual_inversion(nano, tmp_path, family):
    prompt = prompts.create(family, nano)
    with pytest.raises(SD4MatchError, match="not fixed tokens, which a textual inversion needs"):
        prompts.export_textual_inversion(prompt, tmp_path / "ti", nano)


def test_a_textual_inversion_needs_the_right_names(nano, tmp_path):
    single = prompts.create("single", nano, length=2)
    per_class = prompts.create("class", nano, length=2, categories=["cat"])
    for prompt, options, match in [
        (per_class, {}, "name a category for class prompts"),
        (per_class, {"category": "dog"}, "never learned for category 'dog'"),
        (single, {"category": "cat"}, "and none for single prompts"),
        (single, {"token": "two words"}, "must be one word that is new to nano"),
        (single, {"token": ""}, "must be one word"),
        (single, {"token": nano.tokenizer.eos_token}, "must be one word that is new"),
    ]:
        with pytest.raises(SD4MatchError, match=match):
            prompts.export_textual_inversion(prompt, tmp_path / "ti", nano, **options)
    assert not (tmp_path / "ti").exists()
