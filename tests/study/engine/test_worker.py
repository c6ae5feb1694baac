"""The stages themselves, on nano and real files, without Ray."""

import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.io import loadmat, savemat

from sd4match import prompts
from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Readout
from sd4match.pck.ground_truth import GroundTruth
from sd4match.pck.scoring import aggregate, correct
from sd4match.prediction.predictor import predict
from sd4match.prompts.header import read_header
from study.analysis.measuring import measure
from study.engine.work import pending, preflight
from study.engine.worker import Workshop, reports
from study.plan import index
from study.plan.cost import Costs
from study.plan.estimates import expected as expected_of
from study.plan.inputs import refer
from study.space.metric import Rule
from study.store.store import Store

RULE = Rule((0.1,), "sd4match")
SPACE = """
baseline: {prompt: single, length: 2, ensemble: 1, kernel: 3}
axes: {prompt: [text, single], localizer: [softmax]}
data: {evaluate: [pf_pascal], pairs: 3}
recipe: {steps: 3, batch_size: 2}
"""


@pytest.fixture(scope="module")
def plan(plan_on):
    return plan_on(SPACE)


def finish(plan, store):
    """Do all pending work, one item after the other; the reports."""
    workshop = Workshop(store, RULE)
    return [report for work in pending(plan, store) for report in workshop.do(work)]


@pytest.fixture(scope="module")
def done(plan, tmp_path_factory):
    """A store that holds the whole plan. Read only."""
    store = Store(tmp_path_factory.mktemp("done") / "store")
    finish(plan, store)
    return store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def copied(done, store):
    """The same to be changed."""
    shutil.copytree(done.folder, store.folder)
    return store


def contents(store, *folders):
    return {
        str(file.relative_to(store.folder)): file.read_bytes()
        for folder in folders or [""]
        for file in (store.folder / folder).rglob("*")
        # How long it took is no result.
        if file.is_file() and store.speed not in file.parents
    }


@pytest.mark.slow
def test_every_part_reports(plan, store):
    reports = finish(plan, store)
    # Latents of train, val and test; three epochs; two prompts on two splits.
    parts = [next(iter(report)) for report in reports]
    assert parts == ["images"] * 3 + ["epoch"] * 3 + ["split"] * 4
    assert [report["epoch"] for report in reports[3:6]] == [1, 2, 3]
    assert {report["pairs"] for report in reports[6:]} == {3}


def expected(store, work):
    return expected_of(store.timings.rates({machine for machine, _ in work}), work)


def test_what_was_done_is_timed_and_tells_how_long_it_takes_again(plan, done, store):
    costs = Costs()
    (tune,) = plan.tunes.values()
    work = {(tune.machine, kind): 1.0 for kind in ("latents", "tune", "predict")}
    found = expected(done, work)
    assert 0 < found.low < found.high
    assert found.source == "from 3 latents stages, 1 tune stage, 4 predict stages already computed"
    again = {(tune.machine, "tune"): costs.tune(tune) / 1e12}
    assert expected(done, again).high < 600
    assert expected(store, work) is None


@pytest.mark.slow
def test_a_second_store_gets_the_same_bytes(plan, done, store):
    finish(plan, store)
    again, first = contents(store), contents(done)
    assert again.keys() == first.keys()
    assert {name for name in first if again[name] != first[name]} == set()
    assert {name.split("/")[0] for name in first} == {
        "latents",
        "tune",
        "predict",
        "score",
        "truth",
    }
    assert not [name for name in first if "checkpoint" in name]


@pytest.mark.slow
def test_what_is_done_is_not_pending(plan, done):
    assert pending(plan, done) == []


@pytest.mark.slow
def test_latents_are_computed_once_for_all(plan, done):
    """Each image of each split, mirrored where a pair says so; nothing is encoded after that."""
    wanted = {
        (pair_image.read_bytes(), pair.flip)
        for stage in plan.latents.values()
        for pair in stage.data.open()
        for pair_image in (pair.source_path, pair.target_path)
    }
    assert len(list(done.latents.rglob("*.safetensors"))) == len(wanted)
    latents = [file.stat().st_mtime_ns for file in done.latents.rglob("*.safetensors")]
    later = [*done.folder.glob("tune/*/*"), *done.folder.glob("predict/*/*")]
    assert max(latents) <= min(file.stat().st_mtime_ns for file in later)


@pytest.mark.slow
def test_positions_are_those_of_the_model(plan, done):
    for key, stage in plan.predicts.items():
        pairs, extraction = stage.data.open(), stage.extraction
        backbone = Workshop(done, RULE).backbone(extraction.machine)
        prompt = (
            prompts.load(done.prompt(extraction.prompt), backbone)
            if extraction.tuned
            else prompts.create(extraction.prompt, backbone)
        )
        settings = list(plan.settings[key])
        expected = predict(
            backbone, prompt, pairs, timestep=50, ensemble=1, settings=settings, image_size=32
        )
        truth, _ = done.read_truth(pairs.fingerprint)
        (file,) = set(done.recorded(key).values())
        step = truth.sizes[truth.pair] / 65535
        inside = expected.clip(0, truth.sizes[truth.pair])
        assert (np.abs(done.read_predictions(file, truth) - inside) <= step).all()
        assert len(list(done.folder.glob(f"score/{key}/*.parquet"))) == 1


@pytest.mark.slow
def test_a_tuning_goes_on_where_another_worker_stopped(plan, done, store):
    (stage,) = plan.tunes.values()
    steps = Workshop(store, RULE).tune(stage)
    assert next(steps)["epoch"] == 1
    steps.close()  # type: ignore[attr-defined]  # the worker is gone
    assert store.checkpoint(stage.key).exists()
    assert not store.prompt(stage.key).exists()
    assert [row["epoch"] for row in Workshop(store, RULE).tune(stage)] == [2, 3]
    assert contents(store, "tune") == contents(done, "tune")
    curves = pq.read_table(store.curves(stage.key)).to_pydict()
    assert curves["epoch"] == curves["step"] == [1, 2, 3]


@pytest.mark.slow
def test_a_checkpoint_of_another_tuning_is_refused(plan, plan_on, store):
    (stage,) = plan.tunes.values()
    next(Workshop(store, RULE).tune(stage))
    (other,) = plan_on(SPACE, "baseline.seed=1").tunes.values()
    store.checkpoint(other.key).parent.mkdir()
    store.checkpoint(stage.key).rename(store.checkpoint(other.key))
    with pytest.raises(SD4MatchError, match="checkpoint is of another tuning: seed was 0, now 1"):
        next(Workshop(store, RULE).tune(other))


@pytest.mark.slow
def test_more_settings_of_a_stage_cost_only_what_is_missing(plan, plan_on, done, copied):
    wider = plan_on(SPACE, "axes.kernel=[3,7]", "axes.layer=[0,1]", "axes.localizer=[softmax]")
    assert wider.predicts.keys() == plan.predicts.keys()
    work = pending(wider, copied)
    assert {item.kind for item in work} == {"predict"}
    for item in work:
        for key, settings in item.settings.items():
            assert set(settings) == set(wider.settings[key]) - set(plan.settings[key]) != set()
    finish(wider, copied)
    assert pending(wider, copied) == []
    before, after = contents(done), contents(copied)
    assert {name: after[name] for name in before} == before
    new = after.keys() - before.keys()
    assert {name.split("/")[0] for name in new} == {"predict", "score"}


@pytest.mark.slow
def test_settings_give_the_same_positions_in_whatever_pass(plan, plan_on, copied, tmp_path):
    wider = plan_on(SPACE, "axes.kernel=[3,7]", "axes.layer=[0,1]")
    finish(wider, copied)
    shutil.copytree(copied.folder / "tune", tmp_path / "at_once/tune")
    at_once = Store(tmp_path / "at_once")
    finish(wider, at_once)
    for key, stage in wider.predicts.items():
        truth, _ = at_once.read_truth(stage.data.fingerprint)

        def read(store, setting, key=key, truth=truth):
            file = store.recorded(key)[setting]
            block = [s for s, f in store.recorded(key).items() if f == file].index(setting)
            return store.read_predictions(file, truth)[block]

        for setting in wider.settings[key]:
            np.testing.assert_array_equal(read(copied, setting), read(at_once, setting))


@pytest.mark.slow
def test_other_weights_than_the_plans_are_refused(plan, store):
    (stage,) = plan.tunes.values()
    stage = replace(stage, machine=replace(stage.machine, fingerprint="f" * 64))
    with pytest.raises(SD4MatchError, match=r"^backbone nano .*other weights .*not ffffffffffff\)"):
        next(Workshop(store, RULE).tune(stage))


@pytest.mark.slow
def test_the_backbone_stays_between_items(plan, store):
    (stage,) = plan.tunes.values()
    workshop = Workshop(store, RULE)
    first = workshop.backbone(stage.machine)
    assert workshop.backbone(stage.machine) is first
    assert workshop.backbone(replace(stage.machine, dtype="bfloat16")) is not first


@pytest.mark.slow
def test_a_prompt_that_is_not_there_is_one_clear_error(plan, store):
    stage = next(stage for stage in plan.predicts.values() if stage.extraction.tuned)
    with pytest.raises(SD4MatchError, match=r"no prompt file at .*prompt\.safetensors"):
        Workshop(store, RULE).predict(stage, tuple(plan.settings[stage.key]))


# Preflight ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_preflight_tries_each_shape_and_keeps_latents_only(plan, store):
    item = preflight(pending(plan, store))
    reports = list(Workshop(store, RULE).do(item))
    # Prompts do not change what a pass needs: one tuning and one extraction.
    assert [report["tried"].split()[0] for report in reports] == ["tune", "predict"]
    assert {name.split("/")[0] for name in contents(store)} == {"latents"}
    # A batch of two pairs to train on, and one pair to predict.
    assert len(list(store.latents.rglob("*.safetensors"))) <= 6


@pytest.mark.slow
def test_a_preflight_that_fails_names_the_setting(plan, store):
    stage = next(iter(plan.predicts.values()))
    with pytest.raises(SD4MatchError) as caught:
        Workshop(store, RULE).try_out(stage, {stage.key: ((9, Readout("nearest")),)})
    assert str(caught.value).startswith(f"preflight: {stage.label}: ")
    assert "t=50 E=1 on pf_pascal val" in str(caught.value)
    assert "layer 9" in str(caught.value)
    assert "\n" not in str(caught.value)

    (tune,) = plan.tunes.values()
    broken = replace(tune, settings={**tune.settings, "learning_rate": -1.0})
    with pytest.raises(SD4MatchError, match=r"^preflight: tune single N=2 on pf_pascal: .*-1\.0"):
        Workshop(store, RULE).try_out(broken, {})


@pytest.mark.slow
def test_a_preflight_says_on_one_line_what_libraries_say_on_many(plan, store, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("CUDA error:\n  out of memory\n\nCompile with ...")

    monkeypatch.setattr(Workshop, "positions", fail)
    stage = next(iter(plan.predicts.values()))
    with pytest.raises(SD4MatchError, match=r": CUDA error: out of memory Compile with \.\.\.$"):
        Workshop(store, RULE).try_out(stage, {stage.key: ()})


@pytest.mark.slow
def test_a_preflight_tries_pairs_that_have_keypoints(plan_on, shapes_root, store, tmp_path):
    """The first pairs of the files may have none, and then nothing would be tried."""
    root = tmp_path / "shapes"
    shutil.copytree(shapes_root, root)
    first = (root / "pf-pascal/trn_pairs.csv").read_text().splitlines()[1].split(",")[0]
    (annotation,) = (root / "pf-pascal").rglob(first.split("/")[-1].replace(".jpg", ".mat"))
    for file in annotation.parent.iterdir():
        content = loadmat(file)
        kps = np.full_like(content["kps"], np.nan)
        savemat(file, {"kps": kps, "bbox": content["bbox"]})
    here = [f"data.root={root}", "data.pairs=null", "recipe.batch_size=1"]
    plan = plan_on(SPACE, *here)
    (tune,) = plan.tunes.values()
    stage = next(iter(plan.predicts.values()))
    assert not len(GroundTruth.of(tune.train.open()[:1]).pair)
    assert not len(GroundTruth.of(stage.data.open()[:1]).pair)
    workshop = Workshop(store, RULE)
    assert workshop.try_out(tune, {}) == {"tried": tune.label}
    with pytest.raises(SD4MatchError, match="layer 9"):
        workshop.try_out(stage, {stage.key: ((9, Readout("nearest")),)})


@pytest.mark.slow
def test_every_family_runs_and_sub_classes_without_a_prompt_are_missing(plan_on, store):
    plan = plan_on(
        """
        baseline: {prompt: single, length: 2, global_length: 1, content_length: 2, ensemble: 1}
        axes: {prompt: [class, cpm, single_hidden, class_hidden], fusion: [dino]}
        data: {evaluate: [pf_pascal, pf_willow]}
        recipe: {steps: 1, batch_size: 2}
        """
    )
    finish(plan, store)
    frame = index.frame(index.table(plan))
    found = measure(frame, store, RULE)
    status = found.groupby(["prompt", "dataset"])["status"].agg(lambda s: "/".join(sorted(set(s))))
    for prompt in ("class", "class_hidden"):
        assert status[prompt, "pf_pascal"] == "done"
        assert status[prompt, "pf_willow"] == "missing"
    rest = status.drop(index=[("class", "pf_willow"), ("class_hidden", "pf_willow")])
    assert set(rest) == {"done"}
    reasons = found[found["status"] == "missing"]["reason"]
    assert set(reasons.str.extract(r"teaches no (\w+) prompt for .*duck")[0]) == {
        "class",
        "class_hidden",
    }
    assert not pending(plan, store)


@pytest.mark.slow
def test_recipe_fusion_and_l2_reach_prompt_and_matches(plan_on, store):
    plan = plan_on(
        """
        baseline: {prompt: single, length: 2, ensemble: 1, localizer: nearest}
        axes: {train: {fusion: [dino], l2_normalize: [false]}, l2_normalize: [false]}
        data: {evaluate: [pf_pascal], pairs: 2}
        recipe: {steps: 2, batch_size: 2, schedule: linear}
        """
    )
    assert len(plan.tunes) == 3
    tune = next(tune for tune in plan.tunes.values() if "fused_with" in tune.settings)
    workshop = Workshop(store, RULE)
    warm = replace(tune, settings={**tune.settings, "warmup_steps": 1})
    assert workshop.try_out(warm, {}) == {"tried": tune.label}  # one step, without a warm-up
    other = replace(tune, settings={**tune.settings, "fused_with": "e" * 64})
    with pytest.raises(SD4MatchError, match=r"image encoder .* other weights than the plan's"):
        list(Workshop(store, RULE).tune(other))
    finish(plan, store)
    trained = [read_header(store.prompt(key))["training"] for key in plan.tunes]
    assert {each["schedule"] for each in trained} == {"linear"}
    assert sum(each.get("fused_with") == tune.settings["fused_with"] for each in trained) == 1
    assert sum(each.get("l2_normalize") is False for each in trained) == 1
    tokens = {prompts.load(store.prompt(k), workshop.backbone(tune.machine)) for k in plan.tunes}
    assert len({prompt.embeddings.sum().item() for prompt in tokens}) == 3
    # One pass answers with and without L2 normalization.
    both = [key for key, settings in plan.settings.items() if len(settings) == 2]
    assert len(both) == 2  # val and test, of the baseline's prompt
    found = measure(index.frame(index.table(plan)), store, RULE)
    assert set(found["status"]) == {"done"}
    assert set(found["l2_normalize"]) == {True, False}


@pytest.mark.slow
def test_another_image_encoder_than_the_plans_is_refused(plan_on, store):
    plan = plan_on("{baseline: {prompt: cpm}, data: {evaluate: [pf_pascal], pairs: 2}}")
    (tune,) = plan.tunes.values()
    other = replace(tune, settings={**tune.settings, "reads": "e" * 64})
    with pytest.raises(SD4MatchError, match=r"image encoder .* other weights than the plan's"):
        list(Workshop(store, RULE).tune(other))


@pytest.mark.slow
def test_a_class_prompt_validates_on_the_categories_it_learns(plan_on, store):
    """Subsets of the splits need not share all categories."""
    plan = plan_on("{baseline: {prompt: class, length: 2}, data: {evaluate: [pf_pascal]}}")
    (tune,) = plan.tunes.values()
    few = refer("pf_pascal", "train", root=tune.train.root, subset=2, seed=0)
    assert set(tune.val.categories) - set(few.categories)
    once = {**tune.settings, "steps": 1, "batch_size": 1}
    (row,) = Workshop(store, RULE).tune(replace(tune, train=few, settings=once))
    assert 0 <= row["val_pck"] <= 1


@pytest.mark.slow
def test_a_large_split_is_encoded_in_parts_of_which_each_image_is_in_one(
    plan_on, store, done, monkeypatch
):
    monkeypatch.setattr("study.plan.stages.PART", 2)
    plan = plan_on(SPACE)
    parts = list(plan.latents.values())
    assert len(parts) > len({part.data for part in parts}) == 3
    assert all(part.images <= 2 for part in parts)
    encoded = []
    for part in parts:
        encoded.append(Workshop(store, RULE).encode(part)["images"])
        assert encoded[-1] == part.images
    assert sum(encoded) == sum({part.data: part.data.images for part in parts}.values())
    files = [name for name in contents(store) if name.endswith(".safetensors")]
    assert {name: contents(store)[name] for name in files} == {
        name: value for name, value in contents(done, "latents").items() if name in files
    }
    assert len(files) == len(list(done.latents.rglob("*.safetensors")))
    (tune,) = (work for work in pending(plan, Store(store.folder / "new")) if work.kind == "tune")
    assert len(tune.needs) == sum(part.data.split in ("train", "val") for part in parts)


# Reports -----------------------------------------------------------------------------------------

LONG = """
baseline: {prompt: single, length: 2, ensemble: 1}
data: {evaluate: [pf_pascal], pairs: 3}
recipe: {steps: 16, batch_size: 2}
"""


@pytest.fixture(scope="module")
def tell(plan_on, tmp_path_factory):
    """A function: (reports, prompt's bytes) of the whole tuning, telling every so many seconds."""
    (stage,) = plan_on(LONG).tunes.values()

    def told(every):
        folder = tmp_path_factory.mktemp("tuning")
        workshop = Workshop(Store(folder / "store"), Rule((0.1,), "sd4match"))
        tuning = workshop.tuning(stage, stage.settings, stage.train.open(), stage.val.open())
        found = list(reports(tuning, folder / "checkpoint.pt", every=every))
        prompts.save(tuning.best_prompt(), folder / "prompt.safetensors", training={})
        return found, (folder / "prompt.safetensors").read_bytes(), tuning.losses

    return told


@pytest.mark.slow
def test_every_step_is_told_where_steps_are_long_and_nothing_changes(tell):
    often, prompt, losses = tell(0.0)
    seldom, same, _ = tell(1e9)
    assert prompt == same
    assert [row["epoch"] for row in seldom] == list(range(1, 9))
    steps = [row for row in often if "epoch" not in row]
    assert [row["step"] for row in steps] == list(range(1, 17))
    assert [row["loss"] for row in steps] == losses
    assert [row["val_pck"] for row in often if "epoch" in row] == [r["val_pck"] for r in seldom]
    assert seldom[0]["loss"] == pytest.approx(sum(losses[:2]) / 2)


@pytest.mark.slow
def test_asha_compares_prompts_at_the_evaluation_setting_of_the_study(plan, plan_on, store):
    """Not at the timestep and layer that each was learned at; keys are as without ASHA."""
    options = ["design=search", "search.asha=2", "axes.train.timestep=[500]", "axes.layer=[0,2]"]
    searched = plan_on(SPACE, *options, "baseline.ensemble=2", "search.sampler=grid")
    tunes = {tune.settings["timestep"]: tune for tune in searched.tunes.values()}
    tune = tunes[500]
    assert tune.rung == tunes[261].rung
    assert {tune.rung for tune in plan.tunes.values()} == {None}
    assert replace(tune, rung=None).key == tune.key
    workshop = Workshop(store, RULE)
    val = tune.val.open()
    tuning = workshop.tuning(tune, tune.settings, tune.train.open(), val)
    positions = predict(
        tuning.backbone, tuning.prompt, val, timestep=50, ensemble=2, image_size=32,
        settings=[(1, Readout("kernel_softmax", 3.0, 0.04))],
    )  # fmt: skip
    truth = GroundTruth.of(val)
    right = correct(truth, positions[0], alpha=0.1, image_size=32)
    assert workshop.rung_pck(tune, tuning) == float(aggregate(truth, right))
    assert workshop.rung_pck(replace(tune, rung=None), tuning) is None
    for work in pending(searched, store):
        if work.kind == "latents" or work.key == tune.key:
            reports = list(workshop.do(work))
    # Three epochs: rungs after 1 and 2, not after the last.
    found = [report.get("rung_pck") for report in reports]
    assert [0 <= pck <= 1 for pck in found[:2]] == [True, True]
    assert found[2:] == [None]
