"""Hidden states for images of pairs: the right ones, and each encoded once."""

import pytest
import torch

from sd4match import prompts
from sd4match.errors import SD4MatchError
from sd4match.features import Contents
from sd4match.matching.correlation import correlate
from sd4match.prediction.features import dependence, fuse, hidden_states

from ..near import assert_near


@pytest.fixture(scope="module")
def contents(nano):
    return Contents(nano)


@pytest.fixture
def images(pascal):
    """Both images of four pairs, two of them of one category; one image is in several."""
    pairs = [pascal["test"][i] for i in (0, 1, 3, 4)]
    return [(pair, side) for pair in pairs for side in ("source", "target")]


def make(nano, family):
    categories = ["car", "cat"] if family == "class" else None
    return prompts.create(family, nano, categories=categories, seed=3)


@pytest.fixture
def encoded(nano):
    """How many sequences went through the text encoder."""
    counts = []
    hook = nano.text_encoder.register_forward_hook(
        lambda _, __, output: counts.append(len(output.last_hidden_state))
    )
    yield counts
    hook.remove()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "distinct"),
    [
        ("empty", 1),
        ("single", 1),
        ("text", 2),
        ("class", 2),
        ("Img-DINO-Head-G1-C2", 4),
        ("Pair-DINO-Head-G1-C2", 4),
    ],
)
def test_each_dependence_is_encoded_once(nano, contents, images, encoded, family, distinct):
    prompt = make(nano, family)
    hidden = hidden_states(nano, prompt, images, contents)
    assert sum(encoded) == distinct
    assert len({dependence(prompt, *image) for image in images}) == distinct
    assert hidden.shape == (1 if distinct == 1 else len(images), 77, nano.hidden_size)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["text", "class", "Img-DINO-Head-G1-C2", "Pair-DINO-Feat-G1-C2"])
def test_rows_are_those_of_each_image_alone(nano, contents, images, family):
    prompt = make(nano, family)
    together = hidden_states(nano, prompt, images, contents)
    alone = [hidden_states(nano, prompt, [image], contents)[0] for image in images]
    assert_near(together, torch.stack(alone))


def test_a_pair_prompt_knows_source_from_target(nano, contents, pascal):
    forth, back = pascal["test"][1], pascal["test"][3]
    assert (forth.source_id, forth.target_id) == (back.target_id, back.source_id)
    prompt = make(nano, "Pair-DINO-Head-G1-C2")
    forth, back = (hidden_states(nano, prompt, [(p, "source")], contents) for p in (forth, back))
    assert not torch.allclose(forth, back)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["single", "class", "Pair-DINO-Feat-G1-C2"])
def test_gradients_add_up_over_images(nano, contents, images, family):
    prompt = make(nano, family)
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(len(images), 77, nano.hidden_size, generator=generator)
    (hidden_states(nano, prompt, images, contents) * weights).sum().backward()
    found = [p.grad.clone() for p in prompt.parameters()]
    prompt.zero_grad()
    for image, weight in zip(images, weights, strict=True):
        (hidden_states(nano, prompt, [image], contents) * weight).sum().backward()
    for together, alone in zip(found, prompt.parameters(), strict=True):
        assert_near(together, alone.grad, relative=1e-4)


def test_a_category_it_never_saw_is_an_error(nano, contents, images):
    prompt = prompts.create("class", nano, categories=["car"])
    with pytest.raises(SD4MatchError, match="never learned for category 'cat'"):
        hidden_states(nano, prompt, images, contents)


def test_correlations_are_the_mean_of_both_times_a_half():
    """Each half has length 1/2, so that a dot product is a quarter of the two cosines' sum."""
    maps = [(torch.randn(5, 4, 6), torch.randn(3, 4, 6)) for _ in range(2)]
    queries = torch.tensor([[[1.0, 2.0], [5.0, 0.0]]])
    source, target = (fuse(diffusion, dino)[None] for diffusion, dino in maps)
    found = correlate(source, target, queries, l2_normalize=False)
    cosines = [
        correlate(maps[0][part][None], maps[1][part][None], queries, l2_normalize=True)
        for part in (0, 1)
    ]
    assert_near(found, (cosines[0] + cosines[1]) / 4)


def test_empty_cells_stay_finite():
    assert fuse(torch.zeros(2, 1, 1), torch.zeros(3, 1, 1)).isfinite().all()


def test_half_precision_contents_become_the_features_dtype():
    assert fuse(torch.zeros(2, 1, 1), torch.zeros(3, 1, 1).half()).dtype == torch.float32
