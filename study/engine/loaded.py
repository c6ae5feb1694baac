"""The models that a worker keeps loaded: a backbone, and the prompts and caches made on it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from sd4match import backbones, prompts
from sd4match.backbones.loading import Backbone
from sd4match.datasets.image_hashes import content_hash
from sd4match.datasets.pair_set import PairSet
from sd4match.errors import SD4MatchError
from sd4match.features.contents import Contents
from sd4match.features.latents import Latents as LatentCache
from sd4match.prompts.base import Prompt
from sd4match.tuning.recipe import NEWER_SETTINGS, TuningSettings
from sd4match.tuning.tuning import Tuning
from study.plan import prompt_files
from study.plan.inputs import Machine
from study.plan.stages import PROMPT_OPTIONS, Extraction, Tune
from study.store.store import Store

TUNING_FIELDS = (
    "timestep", "layer", "kernel_size", "learning_rate", "batch_size", "steps", "seed",
    "image_size",
)  # fmt: skip
"""Settings of a tune stage that are fields of `TuningSettings`; the others make the prompt.

Those of `NEWER_SETTINGS` are too, where they differ from the default; ``fused_with`` stands for
``fusion``.
"""

HASH = 64
"""Digits of an image's hash: names of its cache files begin with it."""


class LoadedModels:
    """Keeps the last backbone, because a worker's items mostly share it.

    Args:
        store: where prompts and caches are.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._backbone: tuple[Machine, Backbone] | None = None

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
            require_same(f"backbone {machine.backbone}", backbone.fingerprint, machine.fingerprint)
            self._backbone = (machine, backbone)
        return self._backbone[1]

    def contents(self, machine: Machine) -> Contents:
        """The cache of what image encoders see of images, in the store."""
        return Contents(self.backbone(machine), self.store.contents)

    def latents(self, machine: Machine, image_size: int) -> LatentCache:
        """The cache of VAE moments of images, in the store."""
        return LatentCache(self.backbone(machine), image_size, self.store.latents)

    @contextmanager
    def shared(
        self,
        machine: Machine,
        image_size: int,
        images: Iterable[Path],
        *,
        kinds: Collection[str] = (),
    ) -> Iterator[None]:
        """Bring the caches of some images, and send what the block adds to them.

        Args:
            machine, image_size: of the VAE moments.
            images: that the block computes with.
            kinds: of the image encoders that it uses.
        """
        mirror, folders, wanted = self.store.mirror, list[Path](), set[str]()
        if mirror.url:
            backbone, contents = self.backbone(machine), self.contents(machine)
            encoders = [backbone.image_encoder(kind) for kind in kinds]
            caches = [self.latents(machine, image_size).folder, *map(contents.folder_of, encoders)]
            folders = [folder for folder in caches if folder]
            wanted = set(map(content_hash, images))

        def of_images(name: str) -> bool:
            return name[:HASH] in wanted

        for folder in folders:
            mirror.pull(folder, of_images)
        yield
        for folder in folders:
            mirror.push(folder, of_images)

    def tuning(
        self,
        stage: Tune,
        settings: Mapping[str, Any],
        train: PairSet,
        val: PairSet | None,
        *,
        micro_batch: int | None = None,
    ) -> Tuning:
        """A tuning before its first step.

        Args:
            stage: on which machine.
            settings: those of the stage, or changed ones to try out.
            train, val: pairs.
            micro_batch: pairs at a time, where a full batch does not fit into memory.
        """
        backbone = self.backbone(stage.machine)
        options = {name: settings[name] for name in PROMPT_OPTIONS}
        if "categories" in prompts.find(settings["family"]).options:
            options["categories"] = train.categories
            val = val and _served(val, train.categories)
        prompt = prompts.create(settings["family"], backbone, seed=settings["seed"], **options)
        if prompt.encoder_made_for:
            encoder = prompt.encoder_made_for
            require_same(f"image encoder {encoder.name}", encoder.fingerprint, settings["reads"])
        fused_with = settings.get("fused_with")
        if fused_with:
            dino = backbone.image_encoder("dino")
            require_same(f"image encoder {dino.name}", dino.fingerprint, fused_with)
        names = (*TUNING_FIELDS, *(name for name in NEWER_SETTINGS if name in settings))
        return Tuning(
            backbone,
            prompt,
            train,
            val,
            TuningSettings(
                **{name: settings[name] for name in names},
                fusion=fused_with is not None,
                micro_batch=micro_batch,
            ),
            latents=self.latents(stage.machine, int(settings["image_size"])),
            contents=self.contents(stage.machine),
        )

    def prompt(self, extraction: Extraction) -> Prompt:
        """The prompt of an extraction: learned earlier, from a file, or made now."""
        backbone = self.backbone(extraction.machine)
        if extraction.tuned:
            return prompts.load(self.store.prompt(extraction.prompt), backbone)
        if extraction.file:
            return prompt_files.load(extraction.file, backbone)
        return prompts.create(extraction.prompt, backbone, template=extraction.template)


def _served(pairs: PairSet, categories: Collection[str]) -> PairSet | None:
    """The pairs of categories that have a prompt; None if no such pair has keypoints."""
    kept = [
        i for i, pair in enumerate(pairs) if prompts.serving_category(categories, pair.category)
    ]
    return pairs.subset(kept) if any(len(pairs[i].keypoint_ids) for i in kept) else None


def require_same(what: str, found: str, planned: str) -> None:
    """Refuse to compute with other weights than those in the stage's key."""
    if found != planned:
        raise SD4MatchError(
            f"{what} on this worker has other weights than the plan's ({found[:12]}, not "
            f"{planned[:12]}): give every node the same files"
        )
