"""The recipe of a tuning, and the loss of one of its steps."""

import numpy as np
import pytest

from sd4match import prompts
from sd4match.errors import SD4MatchError
from sd4match.features import Contents
from sd4match.tuning import steps
from sd4match.tuning.recipe import TuningSettings
from sd4match.tuning.steps import step_loss


def test_the_defaults_are_the_papers():
    recipe = TuningSettings(epochs=5)
    assert (recipe.timestep, recipe.layer, recipe.kernel_size) == (261, 1, 7)
    assert (recipe.batch_size, recipe.learning_rate, recipe.temperature) == (3, 0.01, 0.04)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "give exactly one"),
        ({"epochs": 1, "steps": 1}, "give exactly one"),
        ({"epochs": 0}, "epochs is 0: it must be above 0"),
        ({"steps": -1}, "steps is -1: it must be above 0"),
        ({"steps": 1, "batch_size": 0}, "batch_size is 0"),
        ({"epochs": 2.5}, "epochs is 2.5: it must be a whole number"),
        ({"steps": 1, "learning_rate": float("nan")}, "learning_rate is nan"),
        ({"steps": 1, "seed": -1}, "seed is -1"),
        ({"steps": 1, "micro_batch": 0}, "micro_batch is 0: it must be above 0"),
        ({"steps": 1, "micro_batch": 1.5}, "micro_batch is 1.5: it must be a whole number"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(SD4MatchError, match=message):
        TuningSettings(**settings)


def test_a_class_prompt_learns_the_categories_of_the_batch(nano, pascal, latents):
    pairs = [pascal["train"][i] for i in (0, 1, 3)]  # car, car, cat
    prompt = prompts.create("class", nano, length=3, categories=["car", "cat", "dog"])
    recipe = TuningSettings(steps=1, kernel_size=3)
    step_loss(
        nano, prompt, pairs, recipe, latents=latents, contents=Contents(nano), step=0
    ).backward()
    car, cat, dog = prompt.embeddings
    assert car.grad.abs().sum() > 0
    assert cat.grad.abs().sum() > 0
    assert dog.grad is None


def test_the_batch_loss_is_the_mean_of_its_pairs(nano, pascal, latents):
    pairs = [pascal["train"][i] for i in (0, 1, 3)]
    prompt = prompts.create("single", nano, length=4)
    recipe = TuningSettings(steps=1, kernel_size=3)
    whole, *each = (
        step_loss(
            nano, prompt, batch, recipe, latents=latents, contents=Contents(nano), step=5
        ).item()
        for batch in (pairs, *([pair] for pair in pairs))
    )
    assert whole == pytest.approx(np.mean(each), rel=1e-4)


def test_sources_and_targets_are_one_batch_of_the_unet(nano, pascal, latents, monkeypatch):
    sizes = []
    extract = steps.extract

    def watched(backbone, images, hidden, *, noise, chunk, **rest):
        sizes.append((len(images), len(hidden), [len(draws) for draws in noise], chunk))
        return extract(backbone, images, hidden, noise=noise, chunk=chunk, **rest)

    monkeypatch.setattr(steps, "extract", watched)
    prompt = prompts.create("single", nano, length=4)
    pairs = [pascal["train"][i] for i in (0, 1, 3)]
    recipe = TuningSettings(steps=1, kernel_size=3)
    step_loss(nano, prompt, pairs, recipe, latents=latents, contents=Contents(nano), step=0)
    assert sizes == [(6, 1, [1] * 6, 6)]


def test_every_step_has_its_own_noise(nano, pascal, latents):
    prompt = prompts.create("single", nano, length=4)
    recipe = TuningSettings(steps=1, kernel_size=3)
    pairs = [pascal["train"][0]]
    first, again, later = (
        step_loss(
            nano, prompt, pairs, recipe, latents=latents, contents=Contents(nano), step=step
        ).item()
        for step in (0, 0, 1)
    )
    assert first == again != later
