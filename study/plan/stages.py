"""Stages: units of work, stored under a hash of everything that determines their output."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil
from typing import Any

from sd4match.matching.readout import Setting
from sd4match.prompts.family_facts import KNOWN
from study.plan.inputs import DataRef, Machine, PromptFile, key_of
from study.space.metric import Metric

# A stage's version is part of its key. Raise it when the stage's output changes for the same
# settings; tests/study/pinned/test_pinned.py fails if that was forgotten.
LATENTS_VERSION = 2  # equals sd4match.features.latents.VERSION, which a test checks
CONTENTS_VERSION = 2  # equals sd4match.features.contents.VERSION
TUNE_VERSION = 2
CLASS_TUNE_VERSION = 3  # of families with a prompt for each category
PREDICT_VERSION = 2
SCORE_VERSION = 2

_NO_CONTENTS = 1
"""Stands for `CONTENTS_VERSION` in keys of stages that read no image encoder; never changes."""

PROMPT_OPTIONS = ("length", "source", "global_length", "content_length")
"""Settings of a tune stage that belong to the prompt; None if its family has no such setting."""

PART = 64
"""Most images of a latents stage: seconds on a GPU, some minutes on a CPU."""


def _versions(stage: int, *, reads: bool) -> list[int]:
    return [stage, LATENTS_VERSION, CONTENTS_VERSION if reads else _NO_CONTENTS]


def file_key(file: str, reads: str | None) -> str:
    """Key of a prompt that was learned elsewhere.

    Args:
        file: fingerprint of its file.
        reads: fingerprint of the image encoder that it reads; None for none.
    """
    version = {} if reads is None else {"version": CONTENTS_VERSION}
    return key_of({"file": file, "reads": reads, **version})


def score_name(predictions: str, address: Mapping[str, Any]) -> str:
    """Name of the file of scores of some predictions.

    Args:
        predictions: name of the file of predictions.
        address: `study.space.metric.Rule.address` of the rule that scores them.
    """
    return f"{predictions}-{key_of({'version': SCORE_VERSION, **address})}"


@dataclass(frozen=True)
class Latents:
    """VAE moments of a split's images, for all trials of all studies; see `of`.

    Attributes:
        machine: where it runs.
        image_size: side of the square, pixels.
        data: the split.
        part: which of the split's `parts`; image i is in part i modulo their number.
    """

    machine: Machine
    image_size: int
    data: DataRef
    part: int = 0

    @classmethod
    def of(cls, machine: Machine, image_size: int, data: DataRef) -> "tuple[Latents, ...]":
        """The stages of a split: several if it is large, for several workers.

        Args:
            machine: where they run.
            image_size: side of the square, pixels.
            data: the split.
        """
        whole = cls(machine, image_size, data)
        return tuple(replace(whole, part=part) for part in range(whole.parts))

    @property
    def parts(self) -> int:
        """How many stages this split has."""
        return max(1, ceil(self.data.images / PART))

    @property
    def images(self) -> int:
        """How many images this part has."""
        return len(range(self.part, self.data.images, self.parts))

    @property
    def label(self) -> str:
        """Its name for people."""
        part = f" {self.part + 1}/{self.parts}" if self.parts > 1 else ""
        return f"latents {self.data.dataset} {self.data.split}{part}"

    @cached_property
    def key(self) -> str:
        """Content address of this stage."""
        return key_of(
            {
                "stage": "latents",
                "version": LATENTS_VERSION,
                **self.machine.identity(),
                "image_size": self.image_size,
                "data": self.data.fingerprint,
                "part": [self.part, self.parts],
            }
        )


@dataclass(frozen=True)
class Rung:
    """What ASHA compares prompts by while they are learned: one evaluation setting for all.

    Tunings learn at different timesteps and layers, and PCK differs between these.

    Attributes:
        extraction: how features are extracted; the prompt that is learned replaces its prompt.
        setting: the readout setting.
        metric: gives alpha and average; on the validation pairs of the tuning.
        reduction: prompts are compared after 1, reduction, reduction², … epochs.
    """

    extraction: "Extraction"
    setting: Setting
    metric: Metric
    reduction: int


@dataclass(frozen=True)
class Tune:
    """Learn one prompt on one data set.

    Attributes:
        machine: where it runs.
        settings: the prompt's family and options, the fingerprint of the image encoder it reads,
            seed, image size and the training recipe, as JSON values. Settings that were added
            later are left out where they change nothing; see `staging`.
        train, val: the splits that it learns from, and validates on.
        rung: what ASHA compares it by; None without ASHA. It does not change the prompt, so it is
            not part of the key.
    """

    machine: Machine
    settings: Mapping[str, Any] = field(hash=False)
    train: DataRef
    val: DataRef
    rung: Rung | None = None

    @property
    def label(self) -> str:
        """Its name for people."""
        settings = self.settings
        known = (("length", "N"), ("source", ""), ("global_length", "G"), ("content_length", "C"))
        options = [
            f"{short}={settings[name]}" if short else str(settings[name])
            for name, short in known
            if settings[name] is not None
        ]
        options += ["+dino"] if "fused_with" in settings else []
        options += ["without L2"] if "l2_normalize" in settings else []
        return " ".join(["tune", str(settings["family"]), *options, "on", self.train.dataset])

    @cached_property
    def key(self) -> str:
        """Content address of this stage."""
        of_categories = KNOWN[str(self.settings["family"])].depends_on == "category"
        version = CLASS_TUNE_VERSION if of_categories else TUNE_VERSION
        reads = self.settings["reads"] is not None or "fused_with" in self.settings
        return key_of(
            {
                "stage": "tune",
                "version": _versions(version, reads=reads),
                **self.machine.identity(),
                **self.settings,
                "train": self.train.fingerprint,
                "val": self.val.fingerprint,
            }
        )


@dataclass(frozen=True)
class Extraction:
    """One prompt under one extraction setting: the unit that a predict trial answers.

    Attributes:
        machine: where it runs.
        prompt: family of a prompt that is not learned, else the key of its `Tune`, or of its file
            and the image encoder that it reads (`file_key`).
        tuned: whether ``prompt`` is the key of a `Tune`.
        timestep, ensemble, image_size, seed: of the noise and the images.
        template: of a ``text`` prompt.
        fused_with: fingerprint of the image encoder whose features are fused; None for none.
        file: of a prompt that was learned elsewhere; ``prompt`` replaces it in keys.
    """

    machine: Machine
    prompt: str
    tuned: bool
    timestep: int
    ensemble: int
    image_size: int
    seed: int
    template: str | None = None
    fused_with: str | None = None
    file: PromptFile | None = None

    @property
    def label(self) -> str:
        """Its name for people."""
        known_by_key = self.tuned or self.file
        prompt = f"prompt {self.prompt[:6]}" if known_by_key else self.prompt
        fused = " +dino" if self.fused_with else ""
        return f"predict {prompt} t={self.timestep} E={self.ensemble}{fused}"

    @cached_property
    def key(self) -> str:
        """Content address of the trial: that of its stages without their data."""
        return key_of(self.identity())

    def identity(self) -> dict[str, Any]:
        """Everything that determines the features of a given image."""
        return {
            "stage": "predict",
            "version": _versions(PREDICT_VERSION, reads=self.fused_with is not None),
            **self.machine.identity(),
            "batch_size": self.machine.batch_size,
            "prompt": self.prompt,
            "timestep": self.timestep,
            "ensemble": self.ensemble,
            "image_size": self.image_size,
            "seed": self.seed,
            "template": self.template,
            "fused_with": self.fused_with,
        }


@dataclass(frozen=True)
class Predict:
    """The matches of one extraction on one split; the store keeps any number of settings of it."""

    extraction: Extraction
    data: DataRef

    @property
    def label(self) -> str:
        """Its name for people."""
        return f"{self.extraction.label} on {self.data.dataset} {self.data.split}"

    @cached_property
    def key(self) -> str:
        """Content address, without the readout settings: the same pass answers all of them."""
        return key_of({**self.extraction.identity(), "data": self.data.fingerprint})
