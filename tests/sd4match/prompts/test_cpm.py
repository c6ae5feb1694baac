"""The conditional prompting module, against docs/explanation/method.md section 1."""

import itertools

import pytest
import torch

from sd4match import prompts
from sd4match.backbones.text import embed_ids, encode_embeddings
from sd4match.errors import SD4MatchError
from sd4match.prompts import ConditionalPrompt
from sd4match.prompts.family_facts import SOURCES, parse

from ..near import assert_near

DINO = [name for name in SOURCES if "DINO" in name]


def content_for(nano, prompt, batch=2):
    tokens, channels = nano.image_encoder("dino").shape(prompt.reads.part)
    images = 2 if prompt.depends_on == "pair" else 1
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, tokens, channels * images, generator=generator)


@pytest.mark.parametrize(
    ("source", "depends_on", "encoder", "part"),
    [
        ("Pair-DINO-Feat", "pair", "dino", "feat"),
        ("Pair-CLIP-Head", "pair", "clip", "head"),
        ("Img-DINO-Head", "image", "dino", "head"),
        ("Img-CLIP-Feat", "image", "clip", "feat"),
    ],
)
def test_the_source_says_what_it_reads(source, depends_on, encoder, part):
    prompt = ConditionalPrompt(source, 1, 2, width=8, channels=4, patches=9)
    assert prompt.depends_on == depends_on
    assert (prompt.reads.encoder, prompt.reads.part) == (encoder, part)


def test_the_papers_module_has_its_size():
    """1.77 M parameters, docs/explanation/method.md section 1."""
    paper = ConditionalPrompt("Pair-DINO-Feat", 25, 50, width=1024, channels=768, patches=256)
    assert sum(p.numel() for p in paper.parameters()) == 1_767_680


def test_content_tokens_are_the_papers_formula():
    prompt = ConditionalPrompt("Pair-DINO-Feat", 0, 3, width=5, channels=2, patches=6)
    for parameter in prompt.parameters():
        torch.nn.init.normal_(parameter)
    content = torch.randn(2, 6, 4)
    mixed = torch.einsum("btf,df->btd", content, prompt.mix_channels.weight)
    mixed = mixed + prompt.mix_channels.bias
    mixed = torch.einsum("btd,st->bsd", mixed, prompt.mix_patches.weight)
    mixed = mixed + prompt.mix_patches.bias[:, None]
    pooled = mixed.unflatten(1, (3, 2)).amax(2)  # six patches into three tokens
    expected = torch.tanh(prompt.gate) * (pooled + prompt.positions)
    assert_near(prompt.content_tokens(content), expected)


def test_a_pooled_vector_goes_to_every_content_token():
    prompt = ConditionalPrompt("Img-DINO-Head", 0, 3, width=5, channels=2, patches=1)
    for parameter in prompt.parameters():
        torch.nn.init.normal_(parameter)
    content = torch.randn(2, 1, 2)
    expected = torch.tanh(prompt.gate) * (prompt.mix_channels(content) + prompt.positions)
    assert_near(prompt.content_tokens(content), expected)


@pytest.mark.slow
@pytest.mark.parametrize("source", DINO)
@pytest.mark.parametrize(("n_global", "n_content"), [(0, 1), (25, 50), (3, 4)])
def test_global_tokens_come_first_between_bos_and_eos(nano, source, n_global, n_content):
    prompt = prompts.create(f"{source}-G{n_global}-C{n_content}", nano, seed=1)
    content = content_for(nano, prompt)
    ids = torch.zeros(1, 77, dtype=torch.int64)
    ids[0, 0], ids[0, 1 + prompt.length] = nano.tokenizer.bos_token_id, nano.tokenizer.eos_token_id
    rows = embed_ids(nano, ids).repeat(2, 1, 1)
    rows[:, 1 : 1 + n_global] = prompt.global_tokens
    rows[:, 1 + n_global : 1 + prompt.length] = prompt.content_tokens(content)
    hidden = prompt.hidden_states(nano, content=content)
    assert_near(hidden, encode_embeddings(nano, rows))
    assert not torch.equal(hidden[0], hidden[1])


def test_tokens_and_gate_start_uniform(nano):
    prompt = prompts.create("cpm", nano, seed=0)
    for start in (prompt.global_tokens, prompt.positions, prompt.gate):
        assert 0 <= start.min() < 0.01
        assert 0.99 < start.max() < 1


def test_linear_layers_learn_at_a_tenth_of_the_rate(nano):
    prompt = prompts.create("cpm", nano)
    groups = prompt.parameter_groups(0.01)
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    assert len(rates) == sum(len(group["params"]) for group in groups)
    for name, parameter in prompt.named_parameters():
        assert rates[id(parameter)] == pytest.approx(0.001 if "mix" in name else 0.01)


def test_gradients_reach_every_parameter(nano):
    prompt = prompts.create("Pair-DINO-Feat-G2-C3", nano)
    hidden = prompt.hidden_states(nano, content=content_for(nano, prompt))
    (hidden * torch.randn_like(hidden)).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in prompt.parameters())


def test_the_grammar_is_read_whole():
    combinations = itertools.product(("Img", "Pair"), ("DINO", "CLIP"), ("Feat", "Head"))
    for parts in combinations:
        name = "-".join(parts)
        assert parse(f"{name}-G7-C8") == {
            "source": name,
            "global_length": 7,
            "content_length": 8,
        }
    for wrong in ("cpm", "Pair-DINO-Feat", "pair-DINO-Feat-G1-C1", "Pair-DINO-Feat-G1-C1x"):
        assert parse(wrong) is None


@pytest.mark.parametrize(("n_global", "n_content"), [(0, 0), (25, 51), (75, 1), (-1, 3), (2.0, 3)])
def test_lengths_must_fit(nano, n_global, n_content):
    with pytest.raises(SD4MatchError, match="at most 75 together"):
        prompts.create("cpm", nano, global_length=n_global, content_length=n_content)


def test_an_unknown_source_names_the_nearest(nano):
    with pytest.raises(SD4MatchError, match="did you mean 'Pair-DINO-Feat'"):
        prompts.create("cpm", nano, source="Pair-DINO-Feet")


def test_it_says_that_it_needs_content(nano):
    with pytest.raises(SD4MatchError, match=r"needs the content of each pair"):
        prompts.create("cpm", nano).hidden_states(nano, "cat")
