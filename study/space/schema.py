"""What a search-space file may say: names, types and defaults (a Hydra structured configuration).

A file in ``search_spaces/`` writes only what differs from these defaults.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class TrainAxes:
    """Training settings that are axes; docs/explanation/method.md section 1, training recipe."""

    data: str = "own"
    timestep: int = 261
    layer: int = 1
    kernel_size: int = 7


@dataclass
class Baseline:
    """The paper's setting: one value an axis. ``image_size: null`` is the backbone's own."""

    backbone: str = "nano"
    prompt: str = "single"
    template: str = "a photo of a {category}"
    length: int = 75
    source: str = "Pair-DINO-Feat"
    global_length: int = 25
    content_length: int = 50
    train: TrainAxes = field(default_factory=TrainAxes)
    seed: int = 0
    image_size: int | None = None
    timestep: int = 50
    ensemble: int = 8
    fusion: str = "none"
    layer: int = 1
    localizer: str = "kernel_softmax"
    kernel: float = 7.0
    temperature: float = 0.04


@dataclass
class Data:
    """Which data sets, where, and at what fidelity.

    ``pairs``: a subset of that many pairs a split, drawn by ``seed``; null takes all.
    """

    root: str = "data/shapes"
    evaluate: list[str] = field(default_factory=lambda: ["pf_pascal", "pf_willow", "spair"])
    pairs: int | None = None
    seed: int = 0


@dataclass
class Recipe:
    """How a prompt is learned; docs/explanation/method.md section 1. 29,500 steps are the paper's own."""

    steps: int = 29_500
    learning_rate: float = 0.01
    batch_size: int = 3


@dataclass
class Factorial:
    """``design: factorial`` with a ``fraction`` below 1 takes that share of the combinations of the
    paid axes, drawn by ``seed``, each with every value of the free axes, which cost nothing more.
    """

    fraction: float = 1.0
    seed: int = 0


@dataclass
class Search:
    """Optuna's part of ``design: search``: a sampler proposes the paid axes (docs/explanation/architecture.md, idea 8).

    ``samples`` points, each once: a search of fewer ends with all of them.
    ``sampler``: ``tpe``, ``gp``, ``random``, ``nsgaii``, ``grid`` (every point once, whatever
    ``samples`` says), or ``{_target_: optuna.samplers.QMCSampler, …}`` with plain arguments.
    ``generation`` proposals are asked at once and told in order, which makes a search repeatable.
    ``metric`` is what configurations are chosen by, in fixed designs too; null is the mean over the
    study's data sets that have a validation split. Several ``objectives`` (metrics, and ``cost``:
    planned TFLOP an image) ask for the Pareto set. ``points`` are proposed first; ``warm_start``
    names studies whose results the sampler is told. ``storage``: an Optuna journal file, in the
    study's folder by default, or the URL of a database. ``asha: 3`` goes on with the best third
    of the prompts after 1, 3, … epochs, by their validation PCK; null tunes all to the end.
    """

    sampler: Any = "tpe"
    samples: int = 20
    generation: int = 4
    metric: str | None = None
    objectives: list[str] = field(default_factory=list)
    points: list[dict[str, Any]] = field(default_factory=list)
    warm_start: list[str] = field(default_factory=list)
    storage: str | None = None
    asha: int | None = None
    seed: int = 0


@dataclass
class Resources:
    """What one trial takes. ``gpus_per_trial: null`` is one on a CUDA device and none elsewhere."""

    cpus_per_trial: int = 1
    gpus_per_trial: float | None = None


@dataclass
class Cluster:
    """Where Ray runs: ``local`` starts it here, anything else is the address of a cluster."""

    address: str = "local"


@dataclass
class SpaceFile:
    """A whole search space. ``axes`` maps an axis to the values it takes.

    ``design`` is a name in `study.space.designs.DESIGNS`. ``tie`` trains at the evaluation's setting:
    ``[timestep]``, ``[layer]``, both, or ``true`` for both. ``prompts`` gives names to prompts that
    are learned already, for the axis ``prompt``: name to training data set to file.
    ``image_encoders`` maps "dino" and "clip" to hub ids or folders, where not the usual ones.
    ``callbacks`` are told of every trial by Ray Tune: ``{_target_: ray.tune.logger.…, …}`` each.
    """

    name: str = ""
    design: str = "one_at_a_time"
    tie: Any = False
    baseline: Baseline = field(default_factory=Baseline)
    axes: dict[str, Any] = field(default_factory=dict)
    prompts: dict[str, dict[str, str]] = field(default_factory=dict)
    data: Data = field(default_factory=Data)
    recipe: Recipe = field(default_factory=Recipe)
    factorial: Factorial = field(default_factory=Factorial)
    search: Search = field(default_factory=Search)
    alphas: list[float] = field(default_factory=lambda: [0.05, 0.1, 0.15])
    protocol: str = "sd4match"
    device: str = "auto"
    dtype: str = "auto"
    batch_size: int = 8
    image_encoders: dict[str, str] = field(default_factory=dict)
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    resources: Resources = field(default_factory=Resources)
    cluster: Cluster = field(default_factory=Cluster)
    results: str = "results"


def flatten(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Name the leaves of nested settings by their dotted paths, such as ``train.timestep``."""
    for name, value in nested.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """``{"train.layer": 1}`` as ``{"train": {"layer": 1}}``."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        place = nested
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return nested
