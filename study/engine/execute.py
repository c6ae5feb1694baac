"""Doing the work: each function computes what one stage needs and puts it into the store.

Nothing here knows Ray: a worker calls these, and so can a test or a notebook. Work that was begun
before goes on from what the store holds of it.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch

from sd4match import backbones, prompts, tuning_folder
from sd4match.atomic import atomic_path
from sd4match.backbones import Backbone
from sd4match.datasets import ImagePair, PairSet
from sd4match.errors import SD4MatchError
from sd4match.features.contents import Contents
from sd4match.features.latents import Latents as LatentCache
from sd4match.features.latents import Side
from sd4match.prediction import predict
from sd4match.prompts import Prompt
from sd4match.tuning import Tuning, TuningSettings
from study import prompt_files
from study.engine.fitting import fitting, smaller
from study.engine.reports import reports
from study.engine.stopwatch import timed
from study.engine.work import Work
from study.scoring import Record, Rule, score
from study.stages import PROMPT_OPTIONS, Latents, Machine, Predict, Setting, Tune
from study.store import Store


class Workshop:
    """What a worker keeps between trials: the store and the last backbone.

    Args:
        store: where results go.
        rule: how predictions are scored.
    """

    def __init__(self, store: Store, rule: Rule) -> None:
        self.store = store
        self.rule = rule
        self._backbone: tuple[Machine, Backbone] | None = None

    def do(self, work: Work) -> Iterator[dict[str, Any]]:
        """Do a work item.

        Yields:
            A small report after each part: an epoch of a tuning, a split of a prediction.

        Raises:
            SD4MatchError: data or weights are missing, broken or changed since the plan was made.
        """
        for stage in work.stages:
            if work.kind == "preflight":
                yield self.try_out(stage, work.settings)
                continue
            settings = work.settings.get(stage.key, ())
            if isinstance(stage, Predict) and self._predicted(stage, settings):
                yield self.predict(stage, settings)  # which is too quick to be timed
                continue
            # Loaded before the clock starts: a worker does that once, for all its stages.
            self.backbone(stage.extraction.machine if isinstance(stage, Predict) else stage.machine)
            with timed(self.store, stage, settings):
                if isinstance(stage, Latents):
                    yield self.encode(stage)
                elif isinstance(stage, Tune):
                    yield from self.tune(stage)
                else:
                    yield self.predict(stage, settings)

    def encode(self, stage: Latents) -> dict[str, Any]:
        """Compute the VAE moments of a part of a split's images."""
        latents = self._latents(stage.machine, stage.image_size)
        pairs = stage.data.open()
        images: dict[tuple[str, bool], tuple[ImagePair, Side]] = {}
        for pair in pairs:
            images[pair.source_id, pair.flip] = (pair, "source")
            images[pair.target_id, pair.flip] = (pair, "target")
        ours = sorted(images)[stage.part :: stage.parts]
        for image in ours:
            latents.moments(*images[image])
        with atomic_path(self.store.latents_mark(stage.key)) as temporary:
            temporary.write_text(f'{{"images": {len(ours)}}}\n')
        return {"images": len(ours)}

    def tune(self, stage: Tune) -> Iterator[dict[str, Any]]:
        """Learn a prompt; continues from an earlier attempt's checkpoint."""
        train, val = stage.train.open(), stage.val.open()
        checkpoint = self.store.checkpoint(stage.key)
        tuning = self._tuning(stage, stage.settings, train, val)
        while not tuning.finished:
            try:
                yield from reports(tuning, checkpoint)
            except Exception as error:
                micro = smaller(tuning.settings.micro_batch or tuning.settings.batch_size, error)
                state = tuning.state_dict()
                tuning = self._tuning(stage, stage.settings, train, val, micro_batch=micro)
                tuning.load_state_dict(state)
        tuning_folder.write_curves(tuning, self.store.curves(stage.key))
        settings = tuning.settings
        # The prompt comes last: its file says that the stage is done.
        prompts.save(
            tuning.best_prompt(),
            self.store.prompt(stage.key),
            training={
                **stage.settings,
                "data": stage.train.dataset,
                "pairs": stage.train.pairs,
                # What was asked is in the stage's key; this is what memory left of it.
                **({"micro_batch": settings.micro_batch} if settings.micro_batch else {}),
            },
        )
        checkpoint.unlink(missing_ok=True)

    def try_out(
        self, stage: Latents | Tune | Predict, settings: Mapping[str, tuple[Setting, ...]]
    ) -> dict[str, Any]:
        """One pair through a predict stage or one training step; nothing but latents is kept.

        Raises:
            SD4MatchError: it failed; says at which setting, and why.
        """
        try:
            if isinstance(stage, Tune):
                self._try_tune(stage)
            elif isinstance(stage, Predict):
                backbone = self.backbone(stage.extraction.machine)
                # A learned prompt is not there yet; its pass needs what that of any other does.
                blank = prompts.create("empty", backbone)
                prompt = blank if stage.extraction.tuned else self._prompt(stage, backbone)
                pairs = _with_keypoints(stage.data.open(), 1)
                self.positions(stage, settings[stage.key], prompt, pairs=pairs)
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise SD4MatchError(f"preflight: {stage.label}: {reason}") from error
        return {"tried": stage.label}

    def _try_tune(self, stage: Tune) -> None:
        few = _with_keypoints(stage.train.open(), int(stage.settings["batch_size"]))
        settings = {**stage.settings, "steps": 1}

        def step(batch: int) -> None:
            micro = None if batch == settings["batch_size"] else batch
            self._tuning(stage, settings, few, None, micro_batch=micro).run_epoch()

        fitting(int(settings["batch_size"]), step)

    def predict(self, stage: Predict, settings: tuple[Setting, ...]) -> dict[str, Any]:
        """Predict and score one split at all the free settings that are wanted of it."""
        extraction, pairs = stage.extraction, stage.data.open()
        self.store.write_truth(pairs)
        if not self._predicted(stage, settings):
            backbone = self.backbone(extraction.machine)
            truth, _ = self.store.read_truth(stage.data.fingerprint)
            prompt, planned = self._prompt(stage, backbone), extraction.machine.batch_size
            positions, batch = fitting(
                planned,
                lambda batch: self.positions(stage, settings, prompt, pairs=pairs, batch=batch),
            )
            about = None if batch == planned else {"batch_size": batch}
            self.store.write_predictions(stage.key, settings, positions, truth, about=about)
        record = Record(stage.key, stage.data.fingerprint, extraction.image_size)
        score(self.store, record, settings, self.rule)
        return {"split": f"{stage.data.dataset} {stage.data.split}", "pairs": len(pairs)}

    def _predicted(self, stage: Predict, settings: tuple[Setting, ...]) -> bool:
        """Whether an earlier attempt at this item came as far as here."""
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
        """Predicted keypoints (S, K, 2) in original pixels at S free settings.

        Args:
            stage, settings, prompt, pairs: what is predicted.
            batch: images a UNet batch, where memory does not suffice for the planned one.
        """
        extraction = stage.extraction
        backbone = self.backbone(extraction.machine)
        if extraction.fused_with:
            encoder = backbone.image_encoder("dino")
            _same(f"image encoder {encoder.name}", encoder.fingerprint, extraction.fused_with)
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
            latents=self._latents(extraction.machine, extraction.image_size),
            contents=self._contents(extraction.machine),
            batch_size=batch or extraction.machine.batch_size,
        )

    def backbone(self, machine: Machine) -> Backbone:
        """The backbone of a machine, loaded once.

        Raises:
            SD4MatchError: its weights are not those that were planned with.
        """
        if self._backbone is None or self._backbone[0] != machine:
            self._backbone = None  # frees the memory before the next one is loaded
            torch.set_num_threads(machine.threads)
            backbone = backbones.load(
                machine.backbone,
                device=machine.device,
                dtype=machine.dtype,
                image_encoders=dict(machine.image_encoders),
            )
            _same(f"backbone {machine.backbone}", backbone.fingerprint, machine.fingerprint)
            self._backbone = (machine, backbone)
        return self._backbone[1]

    def _contents(self, machine: Machine) -> Contents:
        return Contents(self.backbone(machine), self.store.contents)

    def _latents(self, machine: Machine, image_size: int) -> LatentCache:
        return LatentCache(self.backbone(machine), image_size, self.store.latents)

    def _tuning(
        self,
        stage: Tune,
        settings: Mapping[str, Any],
        train: PairSet,
        val: PairSet | None,
        *,
        micro_batch: int | None = None,
    ) -> Tuning:
        backbone = self.backbone(stage.machine)
        options = {name: settings[name] for name in PROMPT_OPTIONS}
        if "categories" in prompts.find(settings["family"]).options:
            options["categories"] = train.categories
            val = val and _served(val, train.categories)
        prompt = prompts.create(settings["family"], backbone, seed=settings["seed"], **options)
        if prompt.encoder_made_for:
            encoder = prompt.encoder_made_for
            _same(f"image encoder {encoder.name}", encoder.fingerprint, settings["reads"])
        return Tuning(
            backbone,
            prompt,
            train,
            val,
            TuningSettings(
                **{name: settings[name] for name in TUNING_FIELDS}, micro_batch=micro_batch
            ),
            latents=self._latents(stage.machine, int(settings["image_size"])),
            contents=self._contents(stage.machine),
        )

    def _prompt(self, stage: Predict, backbone: Backbone) -> Prompt:
        extraction = stage.extraction
        if extraction.tuned:
            return prompts.load(self.store.prompt(extraction.prompt), backbone)
        if extraction.file:
            return prompt_files.load(extraction.file, backbone)
        return prompts.create(extraction.prompt, backbone, template=extraction.template)


def _served(pairs: PairSet, categories: Collection[str]) -> PairSet | None:
    """The pairs that prompts of some categories can answer for; None where there is no such."""
    kept = [
        i for i, pair in enumerate(pairs) if prompts.serving_category(categories, pair.category)
    ]
    return pairs.subset(kept) if any(len(pairs[i].keypoint_ids) for i in kept) else None


def _same(what: str, found: str, planned: str) -> None:
    """Refuse to compute with other weights than those that are part of the stage's key."""
    if found != planned:
        raise SD4MatchError(
            f"{what} on this worker has other weights than the plan's ({found[:12]}, not "
            f"{planned[:12]}): give every node the same files"
        )


def _with_keypoints(pairs: PairSet, count: int) -> PairSet:
    """The first pairs that a model has anything to do for."""
    filled = (i for i, pair in enumerate(pairs) if len(pair.keypoint_ids))
    return pairs.subset(islice(filled, count))


TUNING_FIELDS = (
    "timestep", "layer", "kernel_size", "learning_rate", "batch_size", "steps", "seed",
    "image_size",
)  # fmt: skip
"""Settings of a tune stage that are fields of `TuningSettings`; the others make the prompt."""
