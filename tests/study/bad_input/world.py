"""A small project of a user's: data, search spaces, prompt files, and a study that is measured."""

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import torch

from sd4match import backbones, prompts
from sd4match.pck.ground_truth import GroundTruth
from sd4match.testbed import shapes
from study.engine.work import pending
from study.plan.plan import Planner
from study.search.record import Endings
from study.search.search import OptunaSearch
from study.space import reading as spaces
from study.space.designs import configurations
from study.store.scores import Record, score
from study.store.study_folder import StudyFolder

SMALL = """\
baseline: {prompt: empty, ensemble: 1, image_size: 32}
axes: {timestep: [50, 261], layer: [0, 1], kernel: [3, 5]}
data: {root: data, pairs: 3}
device: cpu
dtype: float32
"""
SEARCHED = f"{SMALL}design: search\nsearch: {{samples: 3, generation: 2, sampler: random}}\n"
WITH_PROMPTS = SMALL.replace("empty", "mine") + "prompts: {mine: {spair: FILE, pf_pascal: FILE}}\n"
THEIRS = "prompts/Single_spair_sd2-1_TokenEmbeds4"


def build(world: Path) -> None:
    """Make it; `study launch` would compute the same files, with less made-up matches."""
    shapes.generate(world / "data", seed=0, scale=0.01)
    files = {
        "small": SMALL,
        "searched": SEARCHED,
        "with_prompts": WITH_PROMPTS.replace("FILE", "prompts/mine.safetensors"),
        "with_theirs": WITH_PROMPTS.replace("FILE", THEIRS),
    }
    (world / "search_spaces").mkdir()
    for name, text in files.items():
        (world / "search_spaces" / f"{name}.yaml").write_text(text)
    (world / "search_spaces" / "loop.yaml").symlink_to("loop.yaml")
    (world / "loop").symlink_to("loop")
    nano = backbones.load("nano", device="cpu", dtype="float32")
    prompts.save(prompts.create("single", nano, length=4), world / "prompts/mine.safetensors")
    (world / THEIRS).mkdir()
    torch.save({"dataset": torch.zeros(1, 77, nano.hidden_size)}, world / THEIRS / "caption.pt")
    measure(world, "small")
    measure(world, "searched")


def measure(world: Path, name: str) -> None:
    """Fill the store with matches for every stage of a study, and write its folder."""
    here = [f"data.root={world / 'data'}", f"results={world / 'results'}"]
    space = spaces.load(str(world / "search_spaces" / f"{name}.yaml"), here)
    folder, planner = StudyFolder.of(space), Planner(space)
    plans = (
        OptunaSearch(space, planner, folder, Endings()).plans()
        if space.file.design == "search"
        else [planner.plan(configurations(space))]
    )
    whole = None
    for plan in plans:
        whole = whole or plan
        whole.update(plan)
        for item in pending(plan, folder.store):
            for stage in item.stages if item.kind == "predict" else ():
                pairs = stage.data.open()
                folder.store.write_truth(pairs)
                truth = GroundTruth.of(pairs)
                settings = list(plan.settings[stage.key])
                positions = np.repeat(truth.keypoints[None], len(settings), 0).astype(float)
                for row in range(len(settings)):
                    positions[row, row::5] = 0
                folder.store.write_predictions(stage.key, settings, positions, truth)
                size = stage.extraction.image_size
                score(
                    folder.store,
                    Record(stage.key, stage.data.fingerprint, size),
                    settings,
                    space.rule,
                )
    folder.write_space(space)
    folder.write_plan(whole)
    folder.write_failures({})


def fork(world: Path, copy: Path, *, own_data: bool = False) -> Path:
    """A world of its own that costs no disk: hard links, to be replaced and never written to."""
    shared = shutil.ignore_patterns("data") if not own_data else None
    shutil.copytree(world, copy, copy_function=os.link, symlinks=True, ignore=shared)
    if not own_data:
        (copy / "data").symlink_to(world / "data")
    return copy


def measured(world: Path) -> dict[str, bytes]:
    """Every file that a study or the store holds, and a hash of its contents."""
    files = (file for file in (world / "results").rglob("*") if file.is_file())
    return {
        str(file.relative_to(world)): hashlib.sha256(file.read_bytes()).digest() for file in files
    }
