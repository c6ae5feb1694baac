"""Studies with made-up predictions in a real store, and a real browser to read their reports."""

import os
import shutil
import zlib

import numpy as np
import pytest

from sd4match.pck.ground_truth import GroundTruth
from study.plan.plan import Planner
from study.report.content import collect
from study.space.designs import configurations
from study.space.reading import load
from study.store.scores import Record, score
from study.store.study_folder import StudyFolder
from study.study import open_study

SPACE = """
baseline: {backbone: nano, prompt: text, layer: 1, kernel: 3, timestep: 50, ensemble: 1}
axes:
  prompt: [empty, text]
  timestep: [50, 261]
  layer: [0, 1]
  kernel: [3, 7]
"""
HOSTILE = '<script>alert(1)</script>|"&'
SPREAD = {50: 6.0, 261: 30.0}  # pixels that predictions are off by


@pytest.fixture(scope="session")
def make_study(shapes_root, tmp_path_factory):
    """A function: a search space as YAML, measured but for the stages that are left out."""

    def make(text=SPACE, *overrides, leave_out=lambda stage: False, failures=None):
        folder = tmp_path_factory.mktemp("study")
        (folder / "made.yaml").write_text(text)
        here = [f"data.root={shapes_root}", f"results={folder}/results", "baseline.image_size=32"]
        there = ["device=cpu", "dtype=float32", "batch_size=4"]
        space = load(str(folder / "made.yaml"), [*here, *there, *overrides])
        plan = Planner(space).plan(configurations(space))
        study = StudyFolder.of(space)
        study.write_space(space)
        study.write_plan(plan)
        for key, stage in plan.predicts.items():
            pairs = stage.data.open()
            study.store.write_truth(pairs)
            if leave_out(stage):
                continue
            truth = GroundTruth.of(pairs)
            settings = list(plan.settings[key])
            found = np.stack([_predicted(stage, setting, truth) for setting in settings])
            study.store.write_predictions(key, settings, found, truth)
            score(study.store, Record(key, stage.data.fingerprint, 32), settings, space.rule)
        keys = {stage.extraction.key for stage in plan.predicts.values() if leave_out(stage)}
        study.write_failures(dict.fromkeys(keys, failures) if failures else {})
        return study.path

    return make


def _predicted(stage, setting, truth):
    seed = [int(stage.key, 16), zlib.crc32(repr(setting).encode())]
    spread = SPREAD[stage.extraction.timestep] * (1 + setting[0])
    noise = np.random.default_rng(seed).normal(0, spread, truth.keypoints.shape)
    return np.clip(truth.keypoints + noise, 0, truth.sizes[truth.pair] - 1)


@pytest.fixture(scope="session")
def whole(make_study):
    """Folder of a study in which nothing is missing."""
    return make_study()


@pytest.fixture
def copied(whole, tmp_path):
    """Folder of a copy of `whole` to change."""
    shutil.copytree(whole.parent, tmp_path / "results")
    return tmp_path / "results" / whole.name


@pytest.fixture(scope="session")
def holed(make_study):
    """Folder of a study of which a timestep failed, with a hostile name and reason."""
    path = make_study(
        SPACE.replace("prompt: text", "prompt: text, template: 'a <b>{category}</b> & \"more\"'"),
        leave_out=lambda stage: stage.extraction.timestep == 261,
        failures=f"Traceback\nRuntimeError: {HOSTILE}",
    )
    facts = (path / "study.json").read_text()
    hostile = HOSTILE.replace('"', '\\"')
    (path / "study.json").write_text(facts.replace('"name": "made"', f'"name": "{hostile}"'))
    return path


@pytest.fixture
def study(whole):
    return open_study(whole)


@pytest.fixture(scope="session")
def chromium():
    """The distribution's Chromium, driven by Playwright."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if program is None:
        pytest.skip("no chromium here (apt-get install chromium); .ci/run installs it")
    playwright = pytest.importorskip("playwright.sync_api").sync_playwright().start()
    # As root, as in a container, there is no sandbox.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    browser = playwright.chromium.launch(executable_path=program, args=arguments)
    yield browser
    browser.close()
    playwright.stop()


@pytest.fixture
def read(chromium):
    """A function that opens a page; whatever it asks of the network or complains of fails."""
    contexts, heard = [], []

    def opened(file, *, width=1280, scheme="light", **options):
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (heard.append("a dialog"), dialog.dismiss()))
        page.on("request", lambda asked: heard.append(asked.url))
        page.goto(file.resolve().as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [line for line in heard if not line.startswith(("data:", "file:"))] == []
    assert len([line for line in heard if line.startswith("file:")]) == len(contexts)


@pytest.fixture(scope="session")
def content(whole):
    """What the report of the whole study says."""
    return collect(open_study(whole))


@pytest.fixture(scope="session")
def partial(holed):
    """What the report of the study with failures says."""
    return collect(open_study(holed))
