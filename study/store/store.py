"""The store: every measurement, in Parquet and safetensors files under their content addresses.

Layout, below the store's folder (``results/store`` by default, shared by all studies there)::

    latents/<folder>/…              VAE moments, one file an image (`sd4match.features`)
    contents/<folder>/…             image encoders' outputs, one file an image
    latents/<stage key>.json        the images of a finished latents stage
    tune/<stage key>/               prompt.safetensors, curves.parquet
    predict/<stage key>/<grid>.parquet   predicted keypoints of some free settings
    score/<stage key>/<grid>-<rule>.parquet   per-pair counts of correct keypoints
    speed/<kind of stage>/          how long stages took, one file each (`study.speed`)
    truth/<data fingerprint>.parquet, <…>-pairs.parquet     ground truth, once a data set and split

Files appear by atomic rename and never change, so any number of processes may read and write. Each
holds its own checksum (`sd4match.seal`), predictions and scores their own address too, and a write
waits for storage that is away for a while.

A store behind a URL has the same layout there, and each machine a folder that stands for it
(`study.mirror`): what a stage needs is pulled before it starts, what it made is pushed.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sd4match import records
from sd4match.datasets import PairSet
from sd4match.pck.ground_truth import GroundTruth
from sd4match.records import truth as truth_records
from sd4match.records.parquet import setting_json, settings_of
from study.plan.inputs import key_of
from study.plan.stages import SCORE_VERSION, Setting
from study.store.mirror import Mirror, Only, every, local
from study.store.retry import patiently

if TYPE_CHECKING:
    from study.plan.plan import Plan

FEW = 8
"""So many folders are listed one by one; of more, all that are beside them."""


class Store:
    """Reads and writes measurements.

    Args:
        place: the folder where they live, made when missing, or a URL.

    Attributes:
        folder: the same, or what stands for the URL here.
        mirror: of that folder.
    """

    def __init__(self, place: str | Path) -> None:
        self.folder = local(place)
        self.mirror = Mirror(self.folder)

    @property
    def place(self) -> str:
        """Where measurements live, for any machine."""
        return self.mirror.url or str(self.folder)

    # Behind a URL --------------------------------------------------------------------------------

    def pull_plan(self, plan: "Plan") -> None:
        """Bring what is on record of a plan; see `pull`."""
        if self.mirror.url:
            data = {stage.data.fingerprint for stage in plan.predicts.values()}
            self.pull(latents=plan.latents, tunes=plan.tunes, predicts=plan.predicts, data=data)

    def pull(self, **stages: Collection[str]) -> None:
        """Bring the records of some stages to this machine, those that it lacks.

        Args:
            stages: keys by kind: ``latents`` (only which are complete), ``tunes``, ``predicts``
                (their scores too), and fingerprints of ``data``.

        Raises:
            SD4MatchError: the store is behind a URL and cannot be reached.
        """
        for folder, only in self._records(**stages):
            self.mirror.pull(folder, only, below=folder != self.latents)

    @patiently
    def push(self, **stages: Collection[str]) -> None:
        """Send the records of some stages from this machine; see `pull`."""
        for folder, only in self._records(**stages):
            self.mirror.push(folder, only)

    def _records(
        self,
        *,
        latents: Collection[str] = (),
        tunes: Collection[str] = (),
        predicts: Collection[str] = (),
        data: Collection[str] = (),
    ) -> Iterator[tuple[Path, Only]]:
        if latents:
            marks = {self.latents_mark(key).name for key in latents}
            yield self.latents, marks.__contains__
        for kind, keys in (("tune", tunes), ("predict", predicts), ("score", predicts)):
            if len(keys) > FEW:
                yield self.folder / kind, _below(keys)
            else:
                yield from ((self.folder / kind / key, every) for key in keys)
        if data:
            truth = {file.name for part in data for file in self.truth_files(part)}
            yield self.folder / "truth", truth.__contains__

    # Latents and prompts -------------------------------------------------------------------------

    @cached_property
    def latents(self) -> Path:
        """Folder of the VAE moments."""
        return self.folder / "latents"

    @cached_property
    def contents(self) -> Path:
        """Folder of what image encoders see."""
        return self.folder / "contents"

    def latents_mark(self, key: str) -> Path:
        """File that says that a latents stage is complete."""
        return self.latents / f"{key}.json"

    def prompt(self, key: str) -> Path:
        """The prompt file of a tune stage; it exists when the stage is done."""
        return self.folder / "tune" / key / "prompt.safetensors"

    def checkpoint(self, key: str) -> Path:
        """Where a running tune stage keeps what it needs to go on."""
        return self.folder / "tune" / key / "checkpoint.pt"

    def curves(self, key: str) -> Path:
        """Loss and validation PCK of a tune stage by epoch, Parquet."""
        return self.folder / "tune" / key / "curves.parquet"

    @cached_property
    def speed(self) -> Path:
        """Folder of how long stages took; see `study.store.timings`."""
        return self.folder / "speed"

    # Predictions ---------------------------------------------------------------------------------

    def predicted(self) -> set[str]:
        """Keys of the predict stages of which anything is on record: one look for all of them."""
        folder = self.folder / "predict"
        return {entry.name for entry in os.scandir(folder)} if folder.is_dir() else set()

    def recorded(self, key: str) -> dict[Setting, Path]:
        """The free settings on record under a predict stage, and the file that holds each."""
        found: dict[Setting, Path] = {}
        for file in sorted((self.folder / "predict" / key).glob("[0-9a-f]*.parquet")):
            for setting in settings_of(file):
                found.setdefault(setting, file)
        return found

    def measured(self, key: str) -> list[Path]:
        """Every file of predictions and scores under a predict stage."""
        return sorted(
            file
            for part in ("predict", "score")
            for file in (self.folder / part / key).glob("[0-9a-f]*.parquet")
        )

    @patiently
    def write_predictions(
        self,
        key: str,
        settings: Sequence[Setting],
        positions: np.ndarray,
        truth: GroundTruth,
        *,
        about: Mapping[str, Any] | None = None,
    ) -> Path:
        """Record predicted keypoints of a predict stage: see `sd4match.records`."""
        grid = key_of({"settings": [setting_json(setting) for setting in settings]})
        file = self.folder / "predict" / key / f"{grid}.parquet"
        return records.write_predictions(
            file, settings, positions, truth, about=about, address=self.address(file)
        )

    def read_predictions(self, file: Path, truth: GroundTruth) -> np.ndarray:
        """The positions (S, K, 2) that a prediction file holds: see `sd4match.records`."""
        return records.read_predictions(file, truth)

    # Scores --------------------------------------------------------------------------------------

    def score_file(self, key: str, predictions: Path, rule: Mapping[str, Any]) -> Path:
        """Where the scores of a prediction file under one rule stand."""
        name = f"{predictions.stem}-{key_of({'version': SCORE_VERSION, **rule})}.parquet"
        return self.folder / "score" / key / name

    def address(self, file: Path) -> str:
        return file.relative_to(self.folder).with_suffix("").as_posix()

    # Ground truth --------------------------------------------------------------------------------

    def truth_files(self, fingerprint: str) -> tuple[Path, Path]:
        """The files of a split's ground truth: its keypoints, and its pairs."""
        return truth_records.truth_files(self.folder / "truth", fingerprint)

    @patiently
    def write_truth(self, pairs: PairSet) -> None:
        """Record a split's ground truth, once."""
        truth_records.write_truth(self.folder / "truth", pairs)

    def read_truth(self, fingerprint: str) -> tuple[GroundTruth, pd.DataFrame]:
        """A split's ground truth and its pairs (one row each: id, category, image contents, …).

        Raises:
            SD4MatchError: it was never recorded, or the files are damaged.
        """
        return truth_records.read_truth(self.folder / "truth", fingerprint)


def _below(keys: Collection[str]) -> Only:
    wanted = set(keys)
    return lambda name: name.partition("/")[0] in wanted
