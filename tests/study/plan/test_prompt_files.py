"""Prompts from files: ours and upstream's, planned by content and refused in one line."""

import pytest

from sd4match import backbones, prompts
from sd4match.errors import SD4MatchError
from study.engine.work import pending
from study.engine.worker import Workshop
from study.plan import prompt_files
from study.plan.plan import Planner
from study.space.designs import configurations
from study.space.metric import Rule
from study.space.reading import load
from study.store.store import Store

FORMER = "2058cf716080bdc89c551067f8059f515df91a97a91ad49b1980659082716652"
"""Fingerprint of nano when fingerprints followed the bytes of files."""
CPM = "CPM_spair_sd2-1_Pair-DINO-Feat-G2-C3"


@pytest.fixture(scope="module")
def nano():
    return backbones.load("nano", device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def folder(nano, tmp_path_factory):
    """``single.safetensors``, and upstream's ``Class_…`` and ``CPM_…`` folders."""
    folder = tmp_path_factory.mktemp("prompts")
    single = prompts.create("single", nano, length=2)
    prompts.save(single, folder / "single.safetensors")
    several = prompts.create("class", nano, length=2, categories=["cat", "dog"])
    prompts.export_upstream(several, folder / "Class_spair_sd2-1_TokenEmbeds2", nano)
    cpm = prompts.create("Pair-DINO-Feat-G2-C3", nano)
    prompts.export_upstream(cpm, folder / CPM, nano)
    return folder


@pytest.fixture
def plan(folder, shapes_root, tmp_path):
    """A function: (planner, plan) of a prompt file as the only prompt."""

    def plan(file, *overrides, data="pf_pascal"):
        text = (
            f"{{prompts: {{mine: {{{data}: {folder / file}}}}}, "
            "baseline: {prompt: mine, ensemble: 1, image_size: 32, kernel: 3}, "
            f"data: {{evaluate: [{data}], pairs: 3, root: {shapes_root}}}}}"
        )
        (tmp_path / "mine.yaml").write_text(text)
        here = ["device=cpu", "dtype=float32", "batch_size=4", *overrides]
        planner = Planner(load(str(tmp_path / "mine.yaml"), here))
        return planner, planner.plan(configurations(planner.space))

    return plan


@pytest.mark.slow
def test_nothing_is_tuned_and_the_record_is_that_of_the_prompt(plan, tmp_path):
    """The same prompt by upstream's file and by ours gives the same predictions."""
    found = {}
    for file in ("single.safetensors", "upstream/Single_pfpascal_sd2-1_TokenEmbeds2"):
        _, planned = plan("single.safetensors")
        if file.startswith("upstream"):
            nano = backbones.load("nano", device="cpu", dtype="float32")
            ours = prompts.load(next(iter(planned.predicts.values())).extraction.file.path, nano)
            prompts.export_upstream(ours, tmp_path / file, nano)
            _, planned = plan(tmp_path / file)
        assert not planned.tunes
        store = Store(tmp_path / "store")
        workshop = Workshop(store, Rule((0.1,), "sd4match"))
        for work in pending(planned, store):
            list(workshop.do(work))
        for key, stage in planned.predicts.items():
            truth, _ = store.read_truth(stage.data.fingerprint)
            (record,) = set(store.recorded(key).values())
            positions = store.read_predictions(record, truth)
            found.setdefault(stage.data.split, []).append((key, positions))
    for (first, ours), (second, theirs) in found.values():
        assert first != second  # files are known by their content
        assert (ours == theirs).all()


@pytest.mark.slow
def test_what_a_file_is_decides_the_plan(plan, folder):
    _, cpm = plan(CPM, data="spair")
    source = {p.extraction.file.source for p in cpm.predicts.values()}
    assert source == {"Pair-DINO-Feat"}
    _, several = plan("Class_spair_sd2-1_TokenEmbeds2", data="spair")
    reasons = {cell.missing for cell in several.cells}
    assert all(reason and "teaches no mine prompt for" in reason for reason in reasons)
    assert not several.predicts


@pytest.mark.slow
def test_a_changed_file_is_another_stage_and_refused_by_who_planned_with_the_old(
    plan, nano, folder, tmp_path
):
    file = tmp_path / "changing.safetensors"
    prompts.save(prompts.create("single", nano, length=2), file)
    _, before = plan(file)
    prompts.save(prompts.create("single", nano, length=2, seed=1), file)
    _, after = plan(file)
    assert not before.predicts.keys() & after.predicts.keys()
    old = next(iter(before.predicts.values())).extraction.file
    with pytest.raises(SD4MatchError, match="differs from the prompt of the plan"):
        prompt_files.load(old, nano)


@pytest.mark.slow
def test_a_missing_file_is_planned_and_not_launched(plan):
    planner, planned = plan("nowhere.safetensors")
    assert len(planned.predicts) == 2
    with pytest.raises(SD4MatchError, match=r"prompts\.mine\.pf_pascal: .*nowhere.* is missing"):
        planner.require_data()


@pytest.mark.slow
def test_a_prompt_of_another_backbone_is_refused(plan, folder, nano, tmp_path):
    made_for_other = prompts.create("single", nano, length=2)
    made_for_other.made_for = type(made_for_other.made_for)("other", "f" * 64)
    prompts.save(made_for_other, tmp_path / "other.safetensors")
    with pytest.raises(SD4MatchError, match="was made for a backbone with other weights than nano"):
        plan(tmp_path / "other.safetensors")


@pytest.mark.slow
def test_a_prompt_with_the_former_fingerprint_of_its_backbone_is_taken(plan, nano, tmp_path):
    made_before = prompts.create("single", nano, length=2)
    made_before.made_for = type(made_before.made_for)("nano", FORMER)
    prompts.save(made_before, tmp_path / "before.safetensors")
    _, planned = plan(tmp_path / "before.safetensors")
    (file,) = {stage.extraction.file for stage in planned.predicts.values()}
    assert prompt_files.load(file, nano).made_for.fingerprint == FORMER


@pytest.mark.slow
def test_a_data_set_without_a_file_is_refused(plan):
    with pytest.raises(SD4MatchError, match=r"prompts\.mine: no file for spair, which"):
        plan("single.safetensors", "data.evaluate=[pf_pascal,spair]")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        ("{single: {spair: a}}", "single is a prompt family: choose another name"),
        ("{mine: {}}", "name a file for some of pf_pascal, spair"),
        ("{mine: {spiar: a}}", "did you mean 'spair'"),
        ("{mine: {spair: a}, again: {spair: ./a}}", "the same files as mine: one name is enough"),
    ],
)
def test_names_that_cannot_be_meant_are_refused(tmp_path, names, complaint):
    (tmp_path / "mine.yaml").write_text(f"prompts: {names}")
    with pytest.raises(SD4MatchError, match=complaint) as error:
        load(str(tmp_path / "mine.yaml"))
    assert "\n" not in str(error.value)


def test_a_wrong_name_is_refused_with_the_nearest_file(tmp_path):
    (tmp_path / "mine.yaml").write_text("{prompts: {paper: {spair: a}}, axes: {prompt: papr}}")
    with pytest.raises(SD4MatchError, match=r"axis prompt: unknown value 'papr': .*'paper'"):
        load(str(tmp_path / "mine.yaml"))


def test_a_folder_that_lost_its_name_must_be_named(folder, tmp_path):
    (tmp_path / "lost").mkdir()
    (tmp_path / "lost" / "ckpt.pt").write_bytes((folder / CPM / "ckpt.pt").read_bytes())
    with pytest.raises(SD4MatchError, match="folder's name does not say its setting"):
        prompt_files.describe(str(tmp_path / "lost"))
