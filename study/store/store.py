"""The store: all measurements, in Parquet and safetensors files under content addresses.

Layout, below the store's folder (``results/store`` by default, shared by all studies)::

    latents/<folder>/…              VAE moments, one file per image (`sd4match.features`)
    contents/<folder>/…             image encoders' outputs, one file per image
    latents/<stage key>.json        the images of a finished latents stage
    tune/<stage key>/               prompt.safetensors, curves.parquet
    predict/<stage key>/<grid>.parquet   predicted keypoints of some readout settings
    score/<stage key>/<grid>-<rule>.parquet   per-pair counts of correct keypoints
    speed/<kind of stage>/          how long stages took, one file each (`Timings`)
    truth/<data fingerprint>.parquet, <…>-pairs.parquet     ground truth, once a data set and split

Files appear by atomic rename and never change, so any number of processes may read and write. Each
holds its own checksum (`sd4match.files.seal`), predictions and scores their own address too, and
writes are tried again while storage does not answer (`study.store.retry`).

A store behind a URL has the same layout, and each machine a folder that mirrors it
(`study.store.mirror`): a stage's inputs are pulled before it starts, its outputs are pushed.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sd4match.datasets.pair_set import PairSet
from sd4match.matching.readout import Setting
from sd4match.pck.ground_truth import GroundTruth
from study.plan.inputs import key_of
from study.plan.plan import Plan
from study.plan.stages import score_name
from study.plan.stored import Stored
from study.store.mirror import Mirror, Only, every, local
from study.store.retry import patiently
from study.store.timings import Timings

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

FEW = 8
"""Up to this many folders are listed separately; for more, the folder above is listed."""


class Store:
    """Reads and writes measurements.

    Args:
        place: the folder where they live, made when missing, or a URL.
        study: the folder of the study that asks; None for none.

    Attributes:
        study: the same; what was read is noted there (`study.store.score_index`).
        folder: the same, or the local folder that mirrors the URL.
        mirror: of that folder.
    """

    def __init__(self, place: str | Path, study: Path | None = None) -> None:
        self.study = study
        self.folder = local(place)
        self.mirror = Mirror(self.folder)

    @property
    def place(self) -> str:
        """Where measurements live, for any machine."""
        return self.mirror.url or str(self.folder)

    def stored(self, plan: Plan, *, scores: bool = False) -> Stored:
        """What this store holds of a plan, read once; nothing is brought from a URL (`pull_plan`).

        Args:
            plan: what is wanted.
            scores: list score files too.
        """
        predicted = self.predicted()
        recorded = {k: self.recorded(k) if k in predicted else {} for k in plan.predicts}
        return Stored(
            tunes=frozenset(key for key in plan.tunes if self.prompt(key).exists()),
            latents=frozenset(key for key in plan.latents if self.latents_mark(key).exists()),
            settings={k: {s: file.stem for s, file in r.items()} for k, r in recorded.items()},
            scores={
                key: frozenset(
                    file.stem for file in (self.folder / "score" / key).glob("[0-9a-f]*.parquet")
                )
                for key, files in recorded.items()
                if scores and files
            },
        )

    # Behind a URL --------------------------------------------------------------------------------

    def pull_plan(self, plan: Plan) -> None:
        """Bring the records of a plan to this machine.

        Args:
            plan: what is wanted.

        Raises:
            SD4MatchError: the store is behind a URL and cannot be reached.
        """
        if self.mirror.url:
            data = {stage.data.fingerprint for stage in plan.predicts.values()}
            self.pull(latents=plan.latents, tunes=plan.tunes, predicts=plan.predicts, data=data)

    def pull(self, **stages: Collection[str]) -> None:
        """Bring the records of some stages to this machine, those that it lacks.

        Args:
            stages: keys by kind: ``latents`` (only the marks of complete ones), ``tunes``,
                ``predicts`` (with their scores), and fingerprints of ``data``.

        Raises:
            SD4MatchError: the store is behind a URL and cannot be reached.
        """
        for folder, only in self._records(**stages):
            self.mirror.pull(folder, only, below=folder != self.latents)

    @patiently
    def push(self, **stages: Collection[str]) -> None:
        """Send the records of some stages from this machine.

        Args:
            stages: see `pull`.

        Raises:
            SD4MatchError: the store is behind a URL and cannot be reached.
        """
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
        """Folder of image encoders' outputs."""
        return self.folder / "contents"

    def latents_mark(self, key: str) -> Path:
        """File that marks a latents stage as complete."""
        return self.latents / f"{key}.json"

    def prompt(self, key: str) -> Path:
        """The prompt file of a tune stage; it exists if the stage is done."""
        return self.folder / "tune" / key / "prompt.safetensors"

    def checkpoint(self, key: str) -> Path:
        """Checkpoint of a running tune stage."""
        return self.folder / "tune" / key / "checkpoint.pt"

    def curves(self, key: str) -> Path:
        """Loss and validation PCK of a tune stage by epoch, Parquet."""
        return self.folder / "tune" / key / "curves.parquet"

    @cached_property
    def speed(self) -> Path:
        """Folder of the timings."""
        return self.folder / "speed"

    @cached_property
    def timings(self) -> Timings:
        """How long stages took."""
        return Timings(self.speed, self.mirror)

    # Predictions ---------------------------------------------------------------------------------

    def predicted(self) -> set[str]:
        """Keys of the predict stages with any record, from one listing."""
        folder = self.folder / "predict"
        return {entry.name for entry in os.scandir(folder)} if folder.is_dir() else set()

    def recorded(self, key: str) -> dict[Setting, Path]:
        """The recorded readout settings of a predict stage, and the file that holds each.

        Args:
            key: of the stage.

        Raises:
            SD4MatchError: a file is damaged.
        """
        found: dict[Setting, Path] = {}
        files = sorted((self.folder / "predict" / key).glob("[0-9a-f]*.parquet"))
        if not files:
            return found
        from sd4match.records.parquet import settings_of  # loads PyArrow

        for file in files:
            for setting in settings_of(file):
                found.setdefault(setting, file)
        return found

    def measured(self, key: str) -> list[Path]:
        """All files of predictions and scores of a predict stage."""
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
        positions: "np.ndarray",
        truth: GroundTruth,
        *,
        about: Mapping[str, Any] | None = None,
    ) -> Path:
        """Record predicted keypoints of a predict stage.

        Args:
            key: of the stage.
            settings: S readout settings.
            positions: (S, K, 2) predictions in original pixels.
            truth: of the split.
            about: more about the file, JSON values.

        Returns:
            The file.
        """
        from sd4match.records.parquet import setting_json
        from sd4match.records.predictions import write_predictions

        grid = key_of({"settings": [setting_json(setting) for setting in settings]})
        file = self.folder / "predict" / key / f"{grid}.parquet"
        return write_predictions(
            file, settings, positions, truth, about=about, address=self.address(file)
        )

    def read_predictions(self, file: Path, truth: GroundTruth) -> "np.ndarray":
        """The positions in a file of predictions.

        Args:
            file: as `recorded` gives it.
            truth: of the split.

        Returns:
            (S, K, 2) predictions in original pixels.

        Raises:
            SD4MatchError: the file is damaged.
        """
        from sd4match.records.predictions import read_predictions

        return read_predictions(file, truth)

    # Scores --------------------------------------------------------------------------------------

    def score_file(self, key: str, predictions: Path, rule: Mapping[str, Any]) -> Path:
        """The file of the scores of some predictions by one rule.

        Args:
            key: of the predict stage.
            predictions: the file that is scored.
            rule: `study.space.metric.Rule.address`.
        """
        return self.folder / "score" / key / f"{score_name(predictions.stem, rule)}.parquet"

    def address(self, file: Path) -> str:
        """The address of a file: its name below the store, which the file itself holds too."""
        return file.relative_to(self.folder).with_suffix("").as_posix()

    # Ground truth --------------------------------------------------------------------------------

    def truth_files(self, fingerprint: str) -> tuple[Path, Path]:
        """The files of a split's ground truth: its keypoints, and its pairs."""
        from sd4match.records import truth

        return truth.truth_files(self.folder / "truth", fingerprint)

    @patiently
    def write_truth(self, pairs: PairSet) -> None:
        """Record a split's ground truth, unless it is recorded.

        Args:
            pairs: of the split.
        """
        from sd4match.records import truth

        truth.write_truth(self.folder / "truth", pairs)

    def read_truth(self, fingerprint: str) -> "tuple[GroundTruth, pd.DataFrame]":
        """A split's ground truth and its pairs (one row each: id, category, image contents, …).

        Raises:
            SD4MatchError: it was never recorded, or the files are damaged.
        """
        from sd4match.records import truth

        return truth.read_truth(self.folder / "truth", fingerprint)


def _below(keys: Collection[str]) -> Only:
    wanted = set(keys)
    return lambda name: name.partition("/")[0] in wanted
