"""The embedded backbone: the weights are the ones meant, small, and have learned something."""

import json

import pytest
from safetensors import safe_open

from sd4match import backbones, prompts
from sd4match.backbones.folders import NANO_FOLDER
from sd4match.backbones.image_encoder_files import identify_image_encoder
from sd4match.datasets import load
from sd4match.matching.readout import Readout
from sd4match.pck import scoring
from sd4match.pck.ground_truth import GroundTruth
from sd4match.prediction.predictor import predict
from sd4match.testbed import shapes
from sd4match.testbed.nano.training.diffusion import AIMS
from sd4match.testbed.nano.training.models import export, initial_models, read_json
from sd4match.testbed.nano.training.settings import read_settings

PINNED = {
    "pipeline": "7886fc444d347ebaf99fe633b9f5158841fa628051990be6194e75466218fe75",
    "image encoder": "4a0a3b41630153899563776b1db1017097c1468d12d7095f71573cf374963aab",
}
WEIGHTS = sorted(NANO_FOLDER.rglob("*.safetensors"))


@pytest.mark.slow
def test_weights_and_configurations_are_the_pinned_ones():
    """Train again, and pin again, whenever a model's configuration changes."""
    found = {
        "pipeline": backbones.identify("nano"),
        "image encoder": identify_image_encoder("nano/image_encoder"),
    }
    assert found == PINNED


@pytest.mark.slow
def test_weights_are_four_small_safetensors_in_half_precision():
    assert [path.parent.name for path in WEIGHTS] == [
        "image_encoder", "text_encoder", "unet", "vae",
    ]  # fmt: skip
    assert sum(path.stat().st_size for path in WEIGHTS) <= 16e6
    for path in WEIGHTS:
        with safe_open(path, "pt") as file:
            assert {file.get_slice(key).get_dtype() for key in file.keys()} == {"F16"}  # noqa: SIM118


@pytest.mark.slow
def test_the_trainer_makes_models_of_these_shapes():
    nano = backbones.load("nano", device="cpu")
    shipped = {
        "vae": nano.vae,
        "unet": nano.unet,
        "text_encoder": nano.text_encoder,
        "image_encoder": nano.image_encoder("dino").model,
    }
    for name, model in initial_models(0).items():
        expected = {key: value.shape for key, value in model.state_dict().items()}
        assert {k: v.shape for k, v in shipped[name].state_dict().items()} == expected


def test_the_log_is_of_the_configuration_that_is_shipped():
    settings = read_settings(NANO_FOLDER / "training.json")
    rows = [json.loads(line) for line in (NANO_FOLDER / "log.jsonl").open()]
    last = {row["stage"]: row["step"] for row in rows}
    assert last == {
        "autoencoder": settings.autoencoder.steps,
        "diffusion": settings.diffusion.steps,
        "refinement": settings.refinement.steps,
        "generation": settings.generation.steps,
        "image_encoder": settings.image_encoder.steps,
    }


def test_the_shipped_schedule_is_for_what_the_last_stage_learned():
    shipped = read_json("scheduler/scheduler_config.json")["prediction_type"]
    assert shipped == list(AIMS.values())[-1].predicts


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "shapes"
    shapes.generate(root, seed=7, scale=0.3)
    return load("spair", root, "val")[:24]


def score(backbone, pairs, prompt):
    settings = [(layer, Readout(kernel_sigma=3.0)) for layer in range(4)]
    positions = predict(
        backbone, prompts.create(prompt, backbone), pairs, timestep=100, ensemble=1,
        settings=settings,
    )  # fmt: skip
    truth = GroundTruth.of(pairs)
    correct = scoring.correct(truth, positions, alpha=0.1, image_size=backbone.image_size)
    return scoring.aggregate(truth, correct, mean="image")


@pytest.mark.slow
def test_it_matches_far_better_than_the_same_models_untrained(pairs, tmp_path):
    export(
        initial_models(0), tmp_path, scaling_factor=read_json("vae/config.json")["scaling_factor"]
    )
    untrained = score(backbones.load(str(tmp_path), device="cpu"), pairs, "text")
    trained = score(backbones.load("nano", device="cpu"), pairs, "text")
    assert max(trained) > max(untrained) + 0.2
    assert max(trained) > max(trained[0], trained[3])  # the best layer is inside
