"""The stages that answer a configuration."""

import pytest

from sd4match.errors import SD4MatchError


def test_a_class_prompt_is_missing_where_it_never_saw_a_category(plan_of):
    """PF-Willow's ducks are no VOC class; the rest of it is served by aliases."""
    plan, numbers = plan_of("{baseline: {prompt: class}}")
    missing = {(c.data.dataset, c.data.split): c.missing for c in plan.cells if c.missing}
    assert missing == {
        ("pf_willow", "test"): "pf_pascal teaches no class prompt for duck(S)",
    }
    assert {stage.data.dataset for stage in plan.predicts.values()} == {"pf_pascal", "spair"}
    assert numbers.tunings == 2


def test_a_prompt_learned_crosswise_misses_what_only_the_other_has(plan_of):
    plan, _ = plan_of("{baseline: {prompt: class, train: {data: spair}}}")
    reasons = {cell.data.dataset: cell.missing for cell in plan.cells}
    assert reasons["pf_pascal"] == "spair teaches no class prompt for diningtable, sofa"
    assert reasons["spair"] is None


def test_a_tuning_takes_the_papers_steps_of_its_data(plan_of):
    plan, _ = plan_of("{baseline: {prompt: single}}")
    steps = {tune.train.dataset: tune.settings["steps"] for tune in plan.tunes.values()}
    assert steps == {"pf_pascal": 29_430, "spair": 29_635}
    plan, _ = plan_of("{baseline: {prompt: single}, recipe: {steps: 7}}")
    assert {tune.settings["steps"] for tune in plan.tunes.values()} == {7}


def test_settings_that_change_nothing_are_in_no_key(plan_of):
    base = "baseline: {prompt: single}"
    recipes = {
        "plain": f"{{{base}, recipe: {{steps: 90}}}}",
        "named": f"{{{base}, recipe: {{steps: 90, schedule: constant, warmup_steps: 0}}}}",
        "cosine": f"{{{base}, recipe: {{steps: 90, schedule: cosine}}}}",
        "warm": f"{{{base}, recipe: {{steps: 90, schedule: cosine, warmup_steps: 5}}}}",
        "fused": "{baseline: {prompt: single, train: {fusion: dino}}, recipe: {steps: 90}}",
        "fused too": "{baseline: {prompt: single, train: {fusion: dino, l2_normalize: false}}, "
        "recipe: {steps: 90}}",
        "dots": "{baseline: {prompt: single, train: {l2_normalize: false}}, recipe: {steps: 90}}",
    }
    found = {name: plan_of(text)[0].tunes for name, text in recipes.items()}
    assert found["plain"].keys() == found["named"].keys()
    assert found["fused"].keys() == found["fused too"].keys()
    distinct = {name: frozenset(tunes) for name, tunes in found.items()}
    assert len(set(distinct.values())) == 5
    (first, *_) = found["plain"].values()
    assert not {"schedule", "fused_with", "l2_normalize"} & first.settings.keys()
    (first, *_) = found["fused"].values()
    assert first.settings["fused_with"]
    assert first.label.endswith("+dino on pf_pascal")


@pytest.mark.slow
def test_an_image_encoder_is_part_of_the_key_of_what_reads_it(plan_of):
    plan, _ = plan_of(
        "{baseline: {prompt: cpm, fusion: dino}, axes: {prompt: [single], fusion: [none]}}"
    )
    other, _ = plan_of(
        "{baseline: {prompt: cpm, fusion: dino}, axes: {prompt: [single], fusion: [none]}}",
        "image_encoders.dino=someone/dinov2-small",
    )
    reads = {tune.settings["family"]: tune.settings["reads"] for tune in plan.tunes.values()}
    assert reads["single"] is None
    assert len(reads["cpm"]) == 64
    shared = plan.tunes.keys() & other.tunes.keys()
    assert {plan.tunes[key].settings["family"] for key in shared} == {"single"}
    fused = {p.extraction.fused_with for p in other.predicts.values()}
    assert fused == {None, "absent:someone/dinov2-small"}


def test_an_image_size_that_the_backbone_refuses_is_refused_before_anything_runs(plan_of):
    with pytest.raises(SD4MatchError, match="image size 130"):
        plan_of("{baseline: {prompt: text, image_size: 130}}")
