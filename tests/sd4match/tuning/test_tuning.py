"""Learning a prompt."""

import io

import numpy as np
import pytest
import torch

from sd4match import prompts
from sd4match.backbones import devices
from sd4match.errors import SD4MatchError
from sd4match.features import Latents
from sd4match.features.latents import image_key
from sd4match.matching.readout import Readout
from sd4match.pck import scoring
from sd4match.pck.ground_truth import GroundTruth
from sd4match.prediction.predictor import predict
from sd4match.tuning.recipe import TuningSettings
from sd4match.tuning.tuning import Tuning


@pytest.fixture
def start(nano, pascal, latents):
    """A new tuning with the settings given."""

    def make(*, prompt=None, train=pascal["train"], val=pascal["val"], **settings):
        settings = {"epochs": 2, "batch_size": 2, "kernel_size": 3} | settings
        prompt = prompt or prompts.create("single", nano, length=4, seed=1)
        return Tuning(nano, prompt, train, val, TuningSettings(**settings), latents=latents)

    return make


def run(tuning, **hooks):
    while not tuning.finished:
        tuning.run_epoch(**hooks)
    return tuning


def saved(tuning):
    """The state as it comes back from a file."""
    file = io.BytesIO()
    torch.save(tuning.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.slow
def test_the_loss_falls_on_one_pair(start, pascal):
    train = pascal["train"].subset([0])
    tuning = run(start(train=train, val=None, epochs=25, learning_rate=0.05))
    losses = [row["loss"] for row in tuning.curves]
    # Each step has new noise: compare means.
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.05


@pytest.mark.slow
def test_only_the_prompt_learns(nano, start):
    parameters = [p for m in (nano.unet, nano.vae, nano.text_encoder) for p in m.parameters()]
    before = [p.clone() for p in parameters]
    tuning = start(epochs=1)
    initial = tuning.prompt.embeddings.detach().clone()
    tuning.run_epoch()
    assert ((tuning.prompt.embeddings - initial).abs().amax(1) > 0).all()
    assert all(torch.equal(p, old) for p, old in zip(parameters, before, strict=True))
    assert not any(p.requires_grad or p.grad is not None for p in parameters)


@pytest.mark.slow
def test_curves_are_plain_rows(start):
    tuning = run(start(epochs=3))
    assert [row["epoch"] for row in tuning.curves] == [1, 2, 3]
    assert [row["step"] for row in tuning.curves] == [2, 4, 6]  # 3 of 4 pairs have keypoints
    for row in tuning.curves:
        assert isinstance(row["loss"], float)
        assert 0 <= row["val_pck"] <= 1


@pytest.mark.slow
def test_validation_is_the_recipes(nano, start, pascal, latents):
    tuning = start()
    row = tuning.run_epoch()
    predicted = predict(
        nano,
        tuning.prompt,
        pascal["val"],
        timestep=261,
        ensemble=1,
        settings=[(1, Readout("nearest"))],
        latents=latents,
    )[0]
    truth = GroundTruth.of(pascal["val"])
    right = scoring.correct(truth, predicted, alpha=0.1, image_size=64)
    assert row["val_pck"] == scoring.aggregate(truth, right, mean="image")


@pytest.mark.parametrize(
    ("steps", "ends"), [(3, [1, 2, 3]), (8, range(1, 9)), (11, [2, 4, 6, 8, 10, 11])]
)
def test_steps_are_cut_into_at_most_eight_epochs(start, monkeypatch, steps, ends):
    tuning = start(epochs=None, steps=steps)
    monkeypatch.setattr(tuning, "_train_step", lambda: 1.0)
    monkeypatch.setattr(tuning, "_validate", lambda _: 0.5)
    assert [row["step"] for row in run(tuning).curves] == list(ends)


def test_each_pass_takes_every_pair_with_keypoints_once(start, monkeypatch):
    seen = []
    tuning = start(epochs=6)
    monkeypatch.setattr(tuning, "_validate", lambda _: None)
    monkeypatch.setattr(tuning, "_train_step", lambda: seen.append(tuning._batch()) or 1.0)
    run(tuning)
    passes = [[*seen[i], *seen[i + 1]] for i in range(0, 12, 2)]
    assert all(sorted(order) == [0, 1, 3] for order in passes)
    assert len({tuple(order) for order in passes}) > 1


def scored(tuning, monkeypatch, scores):
    """Train with made-up validation scores; returns the embeddings after each epoch."""
    scores = iter(scores)
    monkeypatch.setattr(tuning, "_validate", lambda _: next(scores))
    after = []
    while not tuning.finished:
        tuning.run_epoch()
        after.append(tuning.prompt.embeddings.detach().clone())
    return after


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scores", "best"), [([0.1, 0.5, 0.5], 1), ([0.3, 0.2, 0.1], 0), ([None, None, None], 2)]
)
def test_the_best_epoch_is_kept(start, monkeypatch, scores, best):
    tuning = start(epochs=3)
    after = scored(tuning, monkeypatch, scores)
    assert torch.equal(tuning.best_prompt().embeddings, after[best])
    assert type(tuning.best_prompt()) is type(tuning.prompt)


class KilledError(Exception):
    """Ends a tuning between two steps."""


def kill_at(step):
    def on_step(done, _):
        if done == step:
            raise KilledError

    return on_step


FAMILIES = {
    "single": {"length": 4},
    "class": {"length": 4, "categories": ["car", "cat"]},
    "cpm": {"global_length": 2, "content_length": 2},
}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_tuning_resumed_at_any_step_is_the_uninterrupted_one(nano, start, family):
    def begin():
        return start(prompt=prompts.create(family, nano, seed=1, **FAMILIES[family]), epochs=2)

    whole = run(begin())
    assert whole.step == 4
    parts = begin()
    for step in range(1, 5):
        with pytest.raises(KilledError):
            run(parts, on_step=kill_at(step))
        state = saved(parts)
        parts = begin()
        for parameter in parts.prompt.parameters():  # everything must come from the state
            torch.nn.init.zeros_(parameter)
        parts.load_state_dict(state)
        assert parts.step == step
    run(parts)
    assert parts.curves == whole.curves
    assert parts.losses == whole.losses
    for one, other in (
        (parts.prompt, whole.prompt),
        (parts.best_prompt(), whole.best_prompt()),
    ):
        expected = other.state_dict()
        assert all(torch.equal(value, expected[name]) for name, value in one.state_dict().items())


def test_a_tuning_that_goes_on_elsewhere_names_both_kinds_of_devices(start, monkeypatch):
    first = start()
    with pytest.raises(KilledError):
        run(first, on_step=kill_at(1))
    state = saved(first)
    monkeypatch.setattr(devices, "processor", lambda: "another processor")
    again = start()
    again.load_state_dict(state)
    assert len(again.devices) == 2
    assert again.devices[0] == first.devices[0]
    assert again.devices[1].startswith("another processor")


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"schedule": "cosine"},
        {"schedule": "linear", "warmup_steps": 2},
        {"schedule": "piecewise_constant", "step_rules": "1:2,0.1"},
    ],
)
def test_a_resumed_schedule_goes_on_where_it_was(start, settings):
    plain, whole = run(start()), run(start(**settings))
    first = start(**settings)
    with pytest.raises(KilledError):
        run(first, on_step=kill_at(3))
    second = start(**settings)
    second.load_state_dict(saved(first))
    run(second)
    assert second.losses == whole.losses != plain.losses
    assert torch.equal(second.prompt.embeddings, whole.prompt.embeddings)


@pytest.mark.slow
def test_fused_training_validates_on_fused_features(nano, start, pascal, latents):
    tuning = start(fusion=True, epochs=1)
    row = tuning.run_epoch()
    truth = GroundTruth.of(pascal["val"])

    def scores(**settings):
        predicted = predict(
            nano,
            tuning.prompt,
            pascal["val"],
            timestep=261,
            ensemble=1,
            settings=[(1, Readout("nearest"))],
            latents=latents,
            **settings,
        )[0]
        right = scoring.correct(truth, predicted, alpha=0.1, image_size=64)
        return scoring.aggregate(truth, right, mean="image")

    assert row["val_pck"] == scores(fusion=True)


@pytest.mark.slow
def test_a_tuning_stopped_while_it_validates_goes_on(start):
    def stop(done, total):
        assert (done, total) == (1, 2)
        raise KilledError

    whole = run(start())
    tuning = start()
    with pytest.raises(KilledError):
        tuning.run_epoch(on_pair=stop)
    second = start()
    second.load_state_dict(saved(tuning))
    assert (second.epoch, second.step) == (0, 2)
    assert run(second).curves == whole.curves


@pytest.mark.slow
def test_each_step_is_told(start):
    told = []
    tuning = start()
    row = tuning.run_epoch(on_step=lambda *step: told.append(step))
    assert told == [(1, tuning.losses[0]), (2, tuning.losses[1])]
    assert row["loss"] == np.mean(tuning.losses)


@pytest.mark.slow
def test_memory_settings_may_change_on_the_way(start):
    """A batch that did not fit goes on in halves; the curves say so."""
    whole = run(start())
    first = start()
    first.run_epoch()
    second = start(micro_batch=1, checkpointing=True)
    second.load_state_dict(saved(first))
    run(second)
    assert [row["micro_batch"] for row in second.curves] == [None, 1]
    assert second.losses == pytest.approx(whole.losses, rel=1e-3)


@pytest.mark.slow
def test_flipped_pairs_are_trained_on(nano, pascal, tmp_path):
    """Those of PF-Pascal's list, mirrored; and no others."""
    prompt = prompts.create("single", nano, length=4)
    latents = Latents(nano, 32, tmp_path)
    settings = TuningSettings(epochs=1, kernel_size=3)
    Tuning(nano, prompt, pascal["train"], None, settings, latents=latents).run_epoch()
    seen = {file.stem for file in tmp_path.rglob("*.safetensors")}
    pairs = [pair for pair in pascal["train"] if len(pair.source_keypoints)]
    assert {pair.flip for pair in pairs} == {False, True}
    assert seen == {image_key(pair, side) for pair in pairs for side in ("source", "target")}
    assert any(name.endswith("-flipped") for name in seen)


@pytest.mark.slow
def test_a_state_is_a_copy(start):
    tuning = start()
    state = tuning.state_dict()
    before = state["prompt"]["embeddings"].clone()
    tuning.run_epoch()
    assert torch.equal(state["prompt"]["embeddings"], before)
    assert state["step"] == 0


def test_a_state_of_another_tuning_is_refused(start, pascal):
    state = start().state_dict()
    with pytest.raises(SD4MatchError, match=r"learning_rate was 0.01, now 0.5"):
        start(learning_rate=0.5).load_state_dict(state)
    with pytest.raises(SD4MatchError, match="schedule was constant, now cosine"):
        start(schedule="cosine").load_state_dict(state)
    with pytest.raises(SD4MatchError, match="fusion was True, now False"):
        start().load_state_dict(start(fusion=True).state_dict())
    with pytest.raises(SD4MatchError, match="other training pairs"):
        start(train=pascal["test"]).load_state_dict(state)
    state["run"]["dtype"] = "float16"
    with pytest.raises(SD4MatchError, match="dtype was float16, now float32"):
        start().load_state_dict(state)


@pytest.mark.slow
def test_a_class_tuning_of_an_earlier_version_is_refused(nano, start):
    def begin(family):
        return start(prompt=prompts.create(family, nano, seed=1, **FAMILIES[family]))

    state = begin("class").state_dict()
    del state["run"]["momentum"]
    with pytest.raises(SD4MatchError, match="an earlier version learned it, without momentum"):
        begin("class").load_state_dict(state)
    assert "momentum" not in begin("single").state_dict()["run"]


@pytest.mark.slow
def test_the_seed_changes_the_run(start):
    first, again, other = (run(start(epochs=1, seed=seed)) for seed in (0, 0, 1))
    assert first.curves == again.curves
    assert first.curves != other.curves


@pytest.mark.slow
def test_a_loss_that_is_not_finite_stops_with_nothing_lost(start):
    tuning = start()
    tuning.run_epoch()
    best = tuning.best_prompt().embeddings.clone()
    torch.nn.init.constant_(tuning.prompt.embeddings, torch.inf)
    with pytest.raises(SD4MatchError, match=r"not finite in step 3\b"):
        tuning.run_epoch()
    assert torch.equal(tuning.best_prompt().embeddings, best)
    assert tuning.prompt.embeddings.isinf().all()  # no step was made
    assert tuning.step == 2


def test_written_prompts_cannot_be_tuned(nano, start):
    with pytest.raises(SD4MatchError, match="family 'text' has nothing to learn"):
        start(prompt=prompts.create("text", nano))


def test_pairs_without_keypoints_cannot_teach_or_judge(start, pascal):
    with pytest.raises(SD4MatchError, match="no keypoint in <1 pairs of pf_pascal/train>"):
        start(train=pascal["train"].subset([2]))
    with pytest.raises(SD4MatchError, match="validate on other pairs"):
        start(val=pascal["test"].subset([2]))


def test_settings_the_backbone_lacks_are_refused_at_once(start):
    with pytest.raises(SD4MatchError, match="layer 4"):
        start(layer=4)
    with pytest.raises(SD4MatchError, match="timestep 1000"):
        start(timestep=1000)
