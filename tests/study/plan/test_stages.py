"""Content addresses of stages."""

from dataclasses import replace

import pytest

from study.plan import stages
from study.plan.inputs import DataRef, Machine, PromptFile, key_of
from study.plan.stages import (
    CLASS_TUNE_VERSION,
    TUNE_VERSION,
    Extraction,
    Latents,
    Predict,
    Tune,
    file_key,
    score_name,
)
from study.space.metric import Rule


@pytest.mark.slow
def test_latents_are_encoded_once_for_every_timestep_and_prompt(plan_of):
    _, one = plan_of("{baseline: {prompt: text}}")
    _, many = plan_of("{baseline: {prompt: text}, axes: {prompt: [empty, text], timestep: [0, 9]}}")
    assert one.encodes == many.encodes
    assert many.encodes_alone == 4 * one.encodes_alone


@pytest.mark.slow
def test_a_subset_is_fewer_pairs_and_other_stages(plan_of):
    whole, _ = plan_of("{baseline: {prompt: text}}")
    some, _ = plan_of("{baseline: {prompt: text}}", "data.pairs=10")
    assert all(cell.data.pairs == 10 for cell in some.cells)
    assert not whole.predicts.keys() & some.predicts.keys()


@pytest.mark.slow
def test_keys_depend_on_what_decides_the_bytes_and_on_nothing_else(plan_of):
    text = "{baseline: {prompt: text}}"
    keys = {
        override: set(plan_of(text, *override.split())[0].predicts)
        for override in (
            "",
            "name=other",
            "axes.layer=[0,1]",
            "alphas=[0.3]",
            "batch_size=3",
            "resources.cpus_per_trial=2",
            "dtype=bfloat16",
            "baseline.seed=1",
            "baseline.timestep=0",
            "baseline.image_size=64",
        )
    }
    same = {"", "name=other", "axes.layer=[0,1]", "alphas=[0.3]"}
    assert all(keys[override] == keys[""] for override in same)
    assert all(not keys[override] & keys[""] for override in keys.keys() - same)


MACHINE = Machine("nano", "f" * 64, "cpu", "float32", 1, 8)
DATA = DataRef("spair", "val", "/data", 60, 0, "d" * 64, 60, 100, ("cat", "dog"))
TUNE = Tune(
    MACHINE,
    {
        "family": "single", "length": 16, "source": None, "global_length": None,
        "content_length": None, "reads": None, "seed": 0, "image_size": 128, "timestep": 100,
        "layer": 2, "kernel_size": 7, "steps": 60, "learning_rate": 0.01, "batch_size": 3,
    },
    DATA,
    DATA,
)  # fmt: skip
CPM = {
    **TUNE.settings, "family": "cpm", "length": None, "source": "Pair-DINO-Feat",
    "global_length": 25, "content_length": 50, "reads": "e" * 64,
}  # fmt: skip
LEARNED = Extraction(MACHINE, TUNE.key, True, 100, 1, 128, 0)
WRITTEN = Extraction(
    MACHINE, "text", False, 50, 8, 768, 1, template="a {category}", file=PromptFile("/p", "a" * 64)
)
FUSED = replace(WRITTEN, fused_with="e" * 64)


def test_keys_are_those_of_results_that_are_stored_already():
    """Made before the packages of this project existed; a change makes stored results useless."""
    latents = [stage.key for stage in Latents.of(MACHINE, 128, DATA)]
    assert latents == ["c108f0cfe047a417887c", "3fff016f1823595ad575"]
    assert TUNE.key == "7a08872affcab1cef07f"
    assert (LEARNED.key, WRITTEN.key) == ("bfb3b4c2dc77f6f2f978", "fe5d0225e92700183246")
    assert Predict(LEARNED, DATA).key == "a8787b89e426bf124cdc"
    rule = Rule((0.05, 0.1), "sd4match").address(128)
    assert score_name("grid", rule) == "grid-39edc6c1684c00fddfe4"
    assert key_of({"kind": "predict", **MACHINE.identity()}) == "06f97c66b61e5d3b178c"
    assert file_key("a" * 64, None) == "d64ff4fd58e188c20619"


def test_class_prompts_alone_have_a_new_version():
    """Momentum of absent categories moves no token of a prompt that all pairs share."""
    of_class = Tune(MACHINE, {**TUNE.settings, "family": "class"}, DATA, DATA)
    assert of_class.key == "614c770ba2d12b7733dd"  # before: 99cc5aa647cae0e8eaa4
    hidden = Tune(MACHINE, {**TUNE.settings, "family": "class_hidden"}, DATA, DATA)
    former = Tune(MACHINE, {**TUNE.settings, "family": "single_hidden"}, DATA, DATA)
    assert _version(hidden) == CLASS_TUNE_VERSION != _version(former) == TUNE_VERSION
    assert _version(Tune(MACHINE, CPM, DATA, DATA)) == TUNE_VERSION


def _version(stage):
    """The version in the key of a stage."""
    with pytest.MonkeyPatch.context() as patch:
        specs = []
        patch.setattr(stages, "key_of", lambda spec: specs.append(spec) or "")
        _ = replace(stage).key
    return specs[0]["version"][0]


def test_stages_that_read_an_image_encoder_are_of_the_newest_contents():
    """Their keys before DINOv2's positions became the authors': contents of version 1."""
    assert Tune(MACHINE, CPM, DATA, DATA).key != "3264f6f85b38204ded96"
    assert FUSED.key != "97c7a5bdabad7f6a0132"
    assert file_key("a" * 64, "e" * 64) != "387e2c67b046cdfbae43"
