"""Searches without Ray and without a model: the store is filled with made-up matches."""

import numpy as np
import optuna
import pytest

from sd4match.pck.ground_truth import GroundTruth
from study.engine.work import pending
from study.plan.plan import Plan, Planner
from study.search.record import Endings
from study.search.search import OptunaSearch
from study.space import reading as spaces
from study.store.study_folder import StudyFolder


def usefulness(stage, setting):
    """A made-up PCK: highest for `text` at 100, on layer 1 with a kernel width of 5."""
    layer, readout = setting
    timestep = abs(stage.extraction.timestep - 100) / 1000
    kernel = abs((readout.kernel_sigma or 0) - 5) / 50
    return (
        0.9 - 0.2 * (stage.extraction.prompt != "text") - timestep - 0.1 * abs(layer - 1) - kernel
    )


def write(store, plan, stage, useful):
    """Record matches of which the share ``useful`` is right."""
    pairs = stage.data.open()
    store.write_truth(pairs)
    truth = GroundTruth.of(pairs)
    settings = list(plan.settings[stage.key])
    right = truth.keypoints
    positions = np.repeat(right[None], len(settings), 0).astype(float)
    for row, setting in enumerate(settings):
        share = useful(stage, setting)
        if share is None:
            return
        positions[row, round(share * len(right)) :] = 0
    store.write_predictions(stage.key, settings, positions, truth)


class Searching:
    """One launch of a search after the other on the same folder.

    Attributes:
        computed: labels of the trials that each plan cost, a list a plan.
    """

    def __init__(self, folder, root):
        self.folder, self.root = folder, root
        self.computed = []

    def space(self, text, *overrides):
        file = self.folder / "mine.yaml"
        file.write_text(text)
        here = [f"data.root={self.root}", f"results={self.folder / 'results'}", "device=cpu"]
        fast = ["dtype=float32", "baseline.image_size=32"]
        return spaces.load(str(file), ["design=search", *here, *fast, *overrides])

    def launch(self, text, *overrides, useful=usefulness, until=None, stop=None):
        """Run it to the end, or to the ``until``-th plan; ``stop`` tells `Endings` of a plan.

        Returns:
            The plans.
        """
        space = self.space(text, *overrides)
        folder, endings = StudyFolder.of(space), Endings()
        plans, whole, self.computed = [], Plan(), []
        for plan in OptunaSearch(space, Planner(space), folder, endings).plans():
            plans.append(plan)
            folder.write_space(space)
            whole.update(plan)
            folder.write_plan(whole)
            if len(plans) == until:
                break
            if stop:
                endings.stopped.update(stop(plan))
            work = [item for item in pending(plan, folder.store) if item.kind == "predict"]
            self.computed.append([item.label for item in work])
            for item in work:
                for stage in item.stages:
                    if stage.extraction.prompt not in endings.stopped:
                        write(folder.store, plan, stage, useful)
        return plans

    @property
    def journal(self):
        return str(self.folder / "results" / "mine" / "optuna.journal")

    def studies(self, storage=None):
        """The Optuna studies on record, by name."""
        if storage is None:
            backend = optuna.storages.journal.JournalFileBackend(self.journal)
            storage = optuna.storages.JournalStorage(backend)
        names = optuna.get_all_study_names(storage)
        return {name: optuna.load_study(study_name=name, storage=storage) for name in names}

    @property
    def trials(self):
        """The trials of the only study on record."""
        (study,) = self.studies().values()
        return study.get_trials()


@pytest.fixture
def searching(tmp_path, shapes_root):
    return Searching(tmp_path, shapes_root)
