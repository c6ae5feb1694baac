"""The worker: computes the stages of a work item and stores their results.

Nothing here knows Ray: an actor calls it, and so can a test or a notebook. An item that was begun
before continues from what the store holds of it.
"""

import time
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from sd4match import prompts
from sd4match.backbones.devices import device_kind
from sd4match.datasets.pair_set import PairSet
from sd4match.datasets.pairs import ImagePair, Side
from sd4match.errors import SD4MatchError
from sd4match.files.atomic import atomic_path
from sd4match.matching.readout import Setting
from sd4match.pck.ground_truth import GroundTruth
from sd4match.pck.scoring import aggregate, correct
from sd4match.prediction.predictor import predict
from sd4match.prompts.base import Prompt
from sd4match.tuning import folder
from sd4match.tuning.recipe import SCHEDULE_SETTINGS
from sd4match.tuning.tuning import Tuning
from study.engine.batches import fitting, smaller
from study.engine.loaded import LoadedModels, require_same
from study.engine.timing import timed
from study.engine.work import Work
from study.plan.cost import rung_epochs
from study.plan.stages import Latents, Predict, Tune
from study.space.metric import Rule
from study.store.scores import Record, score
from study.store.store import Store

EVERY = 10.0
"""Seconds between reports within an epoch."""


class Workshop(LoadedModels):
    """Computes work items, one after the other.

    Args:
        store: where results go.
        rule: how predictions are scored.
    """

    def __init__(self, store: Store, rule: Rule) -> None:
        super().__init__(store)
        self.rule = rule

    def do(self, work: Work) -> Iterator[dict[str, Any]]:
        """Compute a work item.

        Args:
            work: what is computed; what it needs is in the store.

        Yields:
            A small report after each part: an epoch of a tuning, a split of a prediction.

        Raises:
            SD4MatchError: data or weights are missing, broken or changed since the plan was made.
        """
        for stage in work.stages:
            if work.kind == "preflight":
                yield self.try_out(stage, work.settings)
                continue
            self._pull(stage)
            settings = work.settings.get(stage.key, ())
            if isinstance(stage, Predict) and self._predicted(stage, settings):
                yield self.predict(stage, settings)  # only scores, which is too quick to be timed
                continue
            # Loaded before the time is taken: a worker does that once, for all its stages.
            self.backbone(stage.extraction.machine if isinstance(stage, Predict) else stage.machine)
            with timed(self.store, stage, settings):
                if isinstance(stage, Latents):
                    yield self.encode(stage)
                elif isinstance(stage, Tune):
                    yield from self.tune(stage)
                else:
                    yield self.predict(stage, settings)

    def _pull(self, stage: Latents | Tune | Predict) -> None:
        """Bring what the store holds for a stage, and what an earlier attempt left."""
        if isinstance(stage, Tune):
            self.store.pull(tunes=[stage.key])
        elif isinstance(stage, Predict):
            prompts = [stage.extraction.prompt] if stage.extraction.tuned else []
            self.store.pull(tunes=prompts, predicts=[stage.key], data=[stage.data.fingerprint])

    def encode(self, stage: Latents) -> dict[str, Any]:
        """Compute the VAE moments of a part of a split's images."""
        latents = self.latents(stage.machine, stage.image_size)
        pairs = stage.data.open()
        images: dict[tuple[str, bool], tuple[ImagePair, Side]] = {}
        for pair in pairs:
            images[pair.source_id, pair.flip] = (pair, "source")
            images[pair.target_id, pair.flip] = (pair, "target")
        ours = [images[image] for image in sorted(images)[stage.part :: stage.parts]]
        paths = (getattr(pair, f"{side}_path") for pair, side in ours)
        with self.shared(stage.machine, stage.image_size, paths):
            for image in ours:
                latents.moments(*image)
        with atomic_path(self.store.latents_mark(stage.key)) as temporary:
            temporary.write_text(f'{{"images": {len(ours)}}}\n')
        self.store.push(latents=[stage.key])
        return {"images": len(ours)}

    def tune(self, stage: Tune) -> Iterator[dict[str, Any]]:
        """Learn a prompt; continues from an earlier attempt's checkpoint."""
        train, val = stage.train.open(), stage.val.open()
        checkpoint = self.store.checkpoint(stage.key)
        tuning = self.tuning(stage, stage.settings, train, val)
        size = int(stage.settings["image_size"])
        kinds = _kinds(tuning.prompt) | ({"dino"} if tuning.settings.fusion else set())
        if stage.rung and stage.rung.extraction.fused_with:
            kinds |= {"dino"}
        with self.shared(stage.machine, size, _images(train, val), kinds=kinds):
            while not tuning.finished:
                try:
                    for report in reports(tuning, checkpoint):
                        if report.get("epoch") in rung_epochs(stage):
                            report["rung_pck"] = self.rung_pck(stage, tuning)
                        self.store.push(tunes=[stage.key])
                        yield report
                except Exception as error:
                    batch = tuning.settings.micro_batch or tuning.settings.batch_size
                    micro, state = smaller(batch, error), tuning.state_dict()
                    tuning = self.tuning(stage, stage.settings, train, val, micro_batch=micro)
                    tuning.load_state_dict(state)
        folder.write_curves(tuning, self.store.curves(stage.key))
        self.store.push(tunes=[stage.key])
        settings = tuning.settings
        # The prompt comes last: its file says that the stage is done.
        prompts.save(
            tuning.best_prompt(),
            self.store.prompt(stage.key),
            training={
                **stage.settings,
                "devices": tuning.devices,
                "data": stage.train.dataset,
                "pairs": stage.train.pairs,
                # The key has the batch that was asked for; this much fitted into memory.
                **({"micro_batch": settings.micro_batch} if settings.micro_batch else {}),
            },
        )
        self.store.push(tunes=[stage.key])
        self.store.mirror.remove(checkpoint)

    def rung_pck(self, stage: Tune, tuning: Tuning) -> float | None:
        """PCK of an unfinished prompt at the setting that ASHA compares all prompts at.

        None where no validation pair has a category that the prompt knows.
        """
        rung, val = stage.rung, tuning.val
        if rung is None or val is None:
            return None
        compared, machine = Predict(rung.extraction, stage.val), stage.machine
        positions, _ = fitting(
            machine.batch_size,
            lambda batch: self.positions(
                compared, (rung.setting,), tuning.prompt, pairs=val, batch=batch
            ),
        )
        truth, metric = GroundTruth.of(val), rung.metric
        right = correct(
            truth,
            positions[0],
            alpha=metric.alpha,
            protocol=self.rule.protocol,
            image_size=rung.extraction.image_size,
        )
        return float(aggregate(truth, right, mean="keypoint" if metric.point else "image"))

    def try_out(
        self, stage: Latents | Tune | Predict, settings: Mapping[str, tuple[Setting, ...]]
    ) -> dict[str, Any]:
        """One pair through a predict stage or one training step; nothing but latents is kept.

        Raises:
            SD4MatchError: it failed; names the setting and the reason.
        """
        try:
            if isinstance(stage, Tune):
                self._try_tune(stage)
            elif isinstance(stage, Predict):
                backbone = self.backbone(stage.extraction.machine)
                # A learned prompt does not exist yet; any other needs the same memory and time.
                blank = prompts.create("empty", backbone)
                prompt = blank if stage.extraction.tuned else self.prompt(stage.extraction)
                pairs = _with_keypoints(stage.data.open(), 1)
                self.positions(stage, settings[stage.key], prompt, pairs=pairs)
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise SD4MatchError(f"preflight: {stage.label}: {reason}") from error
        return {"tried": stage.label}

    def _try_tune(self, stage: Tune) -> None:
        few = _with_keypoints(stage.train.open(), int(stage.settings["batch_size"]))
        settings = {n: v for n, v in stage.settings.items() if n not in SCHEDULE_SETTINGS}
        settings["steps"] = 1

        def step(batch: int) -> None:
            micro = None if batch == settings["batch_size"] else batch
            self.tuning(stage, settings, few, None, micro_batch=micro).run_epoch()

        fitting(int(settings["batch_size"]), step)

    def predict(self, stage: Predict, settings: tuple[Setting, ...]) -> dict[str, Any]:
        """Predict and score one split at all readout settings that are wanted."""
        extraction, pairs = stage.extraction, stage.data.open()
        self.store.write_truth(pairs)
        if not self._predicted(stage, settings):
            truth, _ = self.store.read_truth(stage.data.fingerprint)
            prompt, planned = self.prompt(extraction), extraction.machine.batch_size
            kinds = _kinds(prompt) | ({"dino"} if extraction.fused_with else set())
            with self.shared(
                extraction.machine, extraction.image_size, _images(pairs), kinds=kinds
            ):
                positions, batch = fitting(
                    planned,
                    lambda batch: self.positions(stage, settings, prompt, pairs=pairs, batch=batch),
                )
            about: dict[str, Any] = {
                "devices": [device_kind(self.backbone(extraction.machine).device)]
            }
            if batch != planned:
                about["batch_size"] = batch
            self.store.write_predictions(stage.key, settings, positions, truth, about=about)
        record = Record(stage.key, stage.data.fingerprint, extraction.image_size)
        score(self.store, record, settings, self.rule)
        self.store.push(predicts=[stage.key], data=[stage.data.fingerprint])
        return {"split": f"{stage.data.dataset} {stage.data.split}", "pairs": len(pairs)}

    def _predicted(self, stage: Predict, settings: tuple[Setting, ...]) -> bool:
        """Whether an earlier attempt recorded these predictions."""
        return self.store.recorded(stage.key).keys() >= set(settings)

    def positions(
        self,
        stage: Predict,
        settings: tuple[Setting, ...],
        prompt: Prompt,
        *,
        pairs: PairSet,
        batch: int | None = None,
    ) -> np.ndarray:
        """Predicted keypoints (S, K, 2) in original pixels at S readout settings.

        Args:
            stage, settings, prompt, pairs: what is predicted.
            batch: images in a UNet batch, where the planned one does not fit into memory.
        """
        extraction = stage.extraction
        backbone = self.backbone(extraction.machine)
        if extraction.fused_with:
            encoder = backbone.image_encoder("dino")
            require_same(
                f"image encoder {encoder.name}", encoder.fingerprint, extraction.fused_with
            )
        return predict(
            backbone,
            prompt,
            pairs,
            timestep=extraction.timestep,
            ensemble=extraction.ensemble,
            settings=settings,
            image_size=extraction.image_size,
            seed=extraction.seed,
            fusion=extraction.fused_with is not None,
            latents=self.latents(extraction.machine, extraction.image_size),
            contents=self.contents(extraction.machine),
            batch_size=batch or extraction.machine.batch_size,
        )


def _with_keypoints(pairs: PairSet, count: int) -> PairSet:
    """The first pairs that have keypoints."""
    filled = (i for i, pair in enumerate(pairs) if len(pair.keypoint_ids))
    return pairs.subset(islice(filled, count))


def _images(*several: PairSet) -> Iterator[Path]:
    for pair in chain.from_iterable(several):
        yield from (pair.source_path, pair.target_path)


def _kinds(prompt: Prompt) -> set[str]:
    """The image encoders that a prompt reads."""
    return {prompt.reads.encoder} if prompt.reads else set()


def reports(tuning: Tuning, checkpoint: Path, *, every: float = EVERY) -> Iterator[dict[str, Any]]:
    """Learn to the end, from where the checkpoint is; see `sd4match.tuning.folder.run`.

    A checkpoint is written before each report, after which the tuning may be stopped.

    Args:
        tuning, checkpoint: as of `run`.
        every: seconds.

    Yields:
        ``step`` (how many are done) and ``loss`` (mean over the steps since the last report), and
        after an epoch the rest of its row of ``tuning.curves``.
    """
    if not tuning.step:
        folder.resume(tuning, checkpoint)
    reported, last, due = tuning.step, time.monotonic(), False

    def on_step(step: int, loss: float) -> None:
        nonlocal due
        due = time.monotonic() - last >= every  # so never in the middle of a validation

    def report(row: dict[str, Any]) -> dict[str, Any]:
        nonlocal reported, last, due
        new = tuning.losses[reported:]
        reported, last, due = tuning.step, time.monotonic(), False
        return {**row, "step": tuning.step, "loss": sum(new) / len(new) if new else None}

    while not tuning.finished:
        rows = folder.run(tuning, checkpoint, stop=lambda: due, on_step=on_step)
        yield from map(report, rows)
        if not tuning.finished:
            yield report({})
