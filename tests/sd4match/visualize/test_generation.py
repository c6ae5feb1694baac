"""The image that a prompt generates."""

import dataclasses
from itertools import chain

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, StableDiffusionPipeline
from PIL import Image

from sd4match import prompts
from sd4match.backbones.text import encode_text
from sd4match.datasets.own_images import images
from sd4match.errors import SD4MatchError
from sd4match.visualize.generation import generate, generated, subjects

from ..near import assert_near

SIDE = 64
FAST = {"steps": 3, "image_size": SIDE}


@pytest.fixture(scope="module")
def hidden(nano):
    return prompts.create("text", nano).hidden_states(nano, "cat")


def pixels(*args, **kwargs):
    return np.asarray(generate(*args, **kwargs))


@pytest.mark.slow
@pytest.mark.parametrize("guidance", [1.0, 7.5])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_agrees_with_diffusers_own_pipeline(nano, hidden, guidance, prediction):
    config = dict(nano.scheduler.config) | {"prediction_type": prediction}
    backbone = dataclasses.replace(nano, scheduler=DDPMScheduler.from_config(config))
    pipeline = StableDiffusionPipeline(
        vae=nano.vae,
        text_encoder=nano.text_encoder,
        tokenizer=nano.tokenizer,
        unet=nano.unet,
        scheduler=DDIMScheduler.from_config(config),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    cells = SIDE // nano.vae_factor
    start = torch.randn(1, 4, cells, cells, generator=torch.Generator().manual_seed(5))
    expected = pipeline(
        prompt_embeds=hidden,
        negative_prompt_embeds=encode_text(nano, ""),
        latents=start,
        height=SIDE,
        width=SIDE,
        num_inference_steps=3,
        guidance_scale=guidance,
    ).images[0]
    found = pixels(backbone, hidden, guidance=guidance, seed=5, **FAST)
    assert np.abs(found.astype(int) - np.asarray(expected)).max() <= 1
    assert found.std() > 5  # no flat grey, which would agree with anything


@pytest.mark.slow
def test_the_same_settings_give_the_same_image_and_others_another(nano, hidden):
    torch.manual_seed(0)
    first = pixels(nano, hidden, **FAST)
    assert first.shape == (SIDE, SIDE, 3)
    torch.manual_seed(1)
    np.testing.assert_array_equal(pixels(nano, hidden, **FAST), first)
    other = prompts.create("text", nano, template="zebra").hidden_states(nano, "cat")
    for changed in (
        pixels(nano, hidden, **FAST, seed=1),
        pixels(nano, hidden, **FAST, guidance=1.0),
        pixels(nano, hidden, **FAST | {"steps": 4}),
        pixels(nano, other, **FAST),
    ):
        assert not np.array_equal(changed, first)


@pytest.mark.slow
def test_the_empty_prompt_cannot_be_guided_away_from_itself(nano):
    empty = encode_text(nano, "")
    one, other = (pixels(nano, empty, guidance=g, **FAST).astype(int) for g in (1.0, 7.5))
    assert np.abs(one - other).max() <= 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"steps": 0}, "0 steps: take 1 to 999"),
        ({"steps": 1000}, "1000 steps: take 1 to 999"),
        ({"guidance": 0.5}, "guidance 0.5: take 1"),
        ({"guidance": float("nan")}, "guidance nan"),
        ({"image_size": 30}, "image size 30"),
    ],
)
def test_bad_settings_are_one_line(nano, hidden, settings, says):
    with pytest.raises(SD4MatchError, match=says):
        generate(nano, hidden, **settings)


@pytest.mark.slow
def test_an_image_that_is_not_finite_is_refused(nano, hidden):
    with pytest.raises(SD4MatchError, match="not finite"):
        generate(nano, hidden * torch.nan, **FAST)


@pytest.mark.slow
def test_what_there_is_to_generate(nano, pascal):
    pair = pascal["test"][0]
    classes = prompts.create("class", nano, length=2, categories=["dog", "cat"])
    labels = [subject.label for subject in subjects(nano, classes)]
    assert labels == ["cat", "dog"]
    (car,) = subjects(nano, prompts.create("text", nano), categories=["car(G)"])
    assert_near(car.hidden, encode_text(nano, "a photo of a car"))
    (single,) = subjects(nano, prompts.create("single", nano, length=2))
    assert (single.label, single.read, single.hidden.requires_grad) == ("", [], False)
    with images([pair.source_path, pair.target_path]) as opened:
        (both,) = subjects(nano, prompts.create("Pair-DINO-Feat-G2-C3", nano), images=opened)
        each = subjects(nano, prompts.create("Img-DINO-Feat-G2-C3", nano), images=opened)
    names = [pair.source_path.name, pair.target_path.name]
    assert [name for name, _ in both.read] == names
    assert [[name for name, _ in subject.read] for subject in each] == [[name] for name in names]
    assert not torch.equal(each[0].hidden, each[1].hidden)
    assert both.hidden.shape == (1, 77, nano.hidden_size)


@pytest.mark.parametrize(
    ("family", "count", "says"),
    [
        ("text", 0, "text prompt needs a category"),
        ("Img-DINO-Head-G2-C3", 0, "reads an image"),
        ("Pair-DINO-Head-G2-C3", 0, "reads two images"),
        ("Pair-DINO-Head-G2-C3", 3, "reads two images"),
    ],
)
def test_what_a_prompt_depends_on_must_be_given(nano, pascal, family, count, says):
    with (
        images([pascal["test"][0].source_path] * count) as opened,
        pytest.raises(SD4MatchError, match=says),
    ):
        subjects(nano, prompts.create(family, nano), images=opened)


def test_what_a_prompt_does_not_read_is_refused(nano, pascal):
    prompt = prompts.create("single", nano, length=2)
    with pytest.raises(SD4MatchError, match="single prompt names no category"):
        subjects(nano, prompt, categories=["cat"])
    with (
        images([pascal["test"][0].source_path]) as opened,
        pytest.raises(SD4MatchError, match="single prompt reads no image"),
    ):
        subjects(nano, prompt, images=opened)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "length", "rows"),
    [
        (1, 1, [1]),
        (5, 1, [5]),
        (6, 1, [3, 3]),
        (18, 1, [5, 5, 5, 3]),
        (2, 3, [3, 3]),
        (3, 2, [4, 2]),
    ],
)
def test_images_stand_in_balanced_rows_and_groups_are_not_torn(count, length, rows):
    groups = [
        [(f"{i}.{j}", Image.new("RGB", (20, 20), (i, j, 0))) for j in range(length)]
        for i in range(count)
    ]
    figure = generated(groups, note="a note")
    figure.canvas.draw()
    heights = [round(axes.get_window_extent().y0) for axes in figure.axes]
    assert [heights.count(height) for height in dict.fromkeys(heights)] == rows
    for axes, (label, image) in zip(figure.axes, chain(*groups), strict=True):
        assert axes.get_title(loc="left") == label
        np.testing.assert_array_equal(axes.images[0].get_array(), np.asarray(image))
