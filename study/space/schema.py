"""The schema of a search-space file: sections, fields, types and defaults.

A file in ``search_spaces/`` writes only what differs from these defaults. Hydra composes them; the
text under each field is its meaning in the reference of the documentation.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class TrainAxes:
    """Training settings that are axes (docs/explanation/method.md section 1)."""

    data: str = "own"
    """Data set whose training pairs a prompt is learned on; ``own``: that of each evaluated one."""
    timestep: int = 261
    """Timestep of the noise that a prompt is learned at."""
    layer: int = 1
    """UNet layer (up block) that a prompt is learned at."""
    kernel_size: int = 7
    """Side of the window of the training loss, in cells of the feature map; odd."""


@dataclass
class Baseline:
    """The setting that configurations are compared with: one value for each axis.

    The defaults are the paper's. A value that does not apply to the prompt is ignored.
    """

    backbone: str = "nano"
    """Stable Diffusion model: a hub id, a diffusers folder, or ``nano``."""
    prompt: str = "single"
    """Prompt family, or a name in ``prompts``."""
    template: str = "a photo of a {category}"
    """Text of a ``text`` prompt; ``{category}`` becomes the object's name."""
    length: int = 75
    """Number of learned tokens, N."""
    source: str = "Pair-DINO-Feat"
    """What the content tokens of a ``cpm`` prompt are computed from."""
    global_length: int = 25
    """Number of global learned tokens of a ``cpm`` prompt, G."""
    content_length: int = 50
    """Number of content tokens of a ``cpm`` prompt, C."""
    train: TrainAxes = field(default_factory=TrainAxes)
    """Training settings that are axes."""
    seed: int = 0
    """Seed of the noise and of the start values of learned prompts."""
    image_size: int | None = None
    """Side of the square images, pixels; null: the side that the backbone was trained at."""
    timestep: int = 50
    """Timestep of the noise that features are extracted at."""
    ensemble: int = 8
    """Number of noise draws that features are averaged over."""
    fusion: str = "none"
    """Image encoder whose features are fused with the UNet's: ``none`` or ``dino``."""
    layer: int = 1
    """UNet layer (up block) that features are read from."""
    localizer: str = "kernel_softmax"
    """How a match is read from a correlation map."""
    kernel: float = 7.0
    """Standard deviation of ``kernel_softmax``'s Gaussian, in cells of the feature map."""
    temperature: float = 0.04
    """Temperature of the softmax."""


@dataclass
class Data:
    """Which data sets, where they are, and how many of their pairs."""

    root: str = "data/shapes"
    """Folder of the data sets."""
    evaluate: list[str] = field(default_factory=lambda: ["pf_pascal", "pf_willow", "spair"])
    """Data sets that configurations are evaluated on."""
    pairs: int | None = None
    """Number of pairs of each split, drawn by ``seed``; null: all."""
    seed: int = 0
    """Seed of the drawn pairs."""


@dataclass
class Recipe:
    """How a prompt is learned (docs/explanation/method.md section 1)."""

    steps: int = 29_500
    """Number of optimizer steps; 29,500 are the paper's own."""
    learning_rate: float = 0.01
    """Learning rate of the tokens."""
    batch_size: int = 3
    """Number of pairs of a step."""


@dataclass
class Factorial:
    """Settings of ``design: factorial``."""

    fraction: float = 1.0
    """Share of the combinations of the paid axes; each has every value of the free axes."""
    seed: int = 0
    """Seed of the drawn combinations."""


@dataclass
class Search:
    """Settings of ``design: search``: Optuna proposes points of the paid axes.

    Each point is measured at every value of the free axes (docs/explanation/architecture.md,
    idea 8).
    """

    sampler: Any = "tpe"
    """``tpe``, ``gp``, ``random``, ``nsgaii``, ``grid`` (every point once, whatever ``samples``
    says), or ``{_target_: optuna.samplers.QMCSampler, …}`` with plain arguments."""
    samples: int = 20
    """Number of points, each proposed once; a search with fewer points ends with all of them."""
    generation: int = 4
    """Number of points that are proposed together; a fixed number makes a search repeatable."""
    metric: str | None = None
    """Metric that configurations are chosen by, in every design; null: the mean over the study's
    data sets that have a validation split, at its usual alpha."""
    objectives: list[str] = field(default_factory=list)
    """Metrics, and ``cost`` (planned TFLOP an image), whose Pareto front the search finds."""
    points: list[dict[str, Any]] = field(default_factory=list)
    """Points that are proposed first; the sampler proposes the axes that a point leaves out."""
    warm_start: list[str] = field(default_factory=list)
    """Names of studies whose results the sampler starts with."""
    storage: str | None = None
    """Optuna's storage: a journal file or the URL of a database; null: in the study's folder."""
    asha: int | None = None
    """Reduction factor of ASHA: 3 continues with the best third of the prompts after 1, 3, …
    epochs, by their validation PCK; null: every tuning runs to its end."""
    seed: int = 0
    """Seed of the sampler."""


@dataclass
class Resources:
    """What one trial takes."""

    cpus_per_trial: int = 1
    """Number of CPU cores, and of threads, of a trial."""
    gpus_per_trial: float | None = None
    """Number of GPUs, or a share of one; null: one on a CUDA device, none elsewhere."""


@dataclass
class Cluster:
    """Where Ray runs."""

    address: str = "local"
    """``local`` starts Ray on this machine; anything else is the address of a cluster."""


@dataclass
class SpaceFile:
    """A whole search-space file."""

    name: str = ""
    """Name of the study and of its folder in ``results``; empty: the file's name."""
    design: str = "one_at_a_time"
    """Which configurations are measured: ``one_at_a_time``, ``leave_one_out``, ``factorial`` or
    ``search``."""
    tie: Any = False
    """Axes that training follows: ``[timestep]``, ``[layer]``, both, or true for both."""
    baseline: Baseline = field(default_factory=Baseline)
    """The setting that configurations are compared with."""
    axes: dict[str, Any] = field(default_factory=dict)
    """Axis -> the values it takes: a list, or one value."""
    prompts: dict[str, dict[str, str]] = field(default_factory=dict)
    """Names for prompts that are learned already: name -> training data set -> file."""
    data: Data = field(default_factory=Data)
    """Which data sets, where they are, and how many of their pairs."""
    recipe: Recipe = field(default_factory=Recipe)
    """How a prompt is learned."""
    factorial: Factorial = field(default_factory=Factorial)
    """Settings of ``design: factorial``."""
    search: Search = field(default_factory=Search)
    """Settings of ``design: search``, and the metric that configurations are chosen by."""
    alphas: list[float] = field(default_factory=lambda: [0.05, 0.1, 0.15])
    """Thresholds of PCK, as shares of the reference length."""
    protocol: str = "sd4match"
    """How PCK is computed: ``sd4match``, ``dift`` or ``geoaware``."""
    device: str = "auto"
    """``auto``, ``cpu``, ``cuda`` or ``mps``."""
    dtype: str = "auto"
    """``float32``, ``float16`` or ``bfloat16``; ``auto``: float16 on CUDA, else float32."""
    batch_size: int = 8
    """Number of images that pass through the UNet together in prediction."""
    image_encoders: dict[str, str] = field(default_factory=dict)
    """``dino`` or ``clip`` -> hub id or folder, instead of the default image encoder."""
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    """Callbacks of Ray Tune, ``{_target_: ray.tune.logger.…, argument: value}`` each."""
    resources: Resources = field(default_factory=Resources)
    """What one trial takes."""
    cluster: Cluster = field(default_factory=Cluster)
    """Where Ray runs."""
    results: str = "results"
    """Folder of all studies and their store, or a URL such as ``s3://bucket/results``."""


def flatten(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Name the leaves of nested settings by their dotted paths, such as ``train.timestep``.

    Args:
        nested: settings in sections.
        prefix: put before every name.

    Yields:
        Name and value of each leaf.
    """
    for name, value in nested.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Undo `flatten`: ``{"train.layer": 1}`` becomes ``{"train": {"layer": 1}}``.

    Args:
        flat: dotted path -> value.

    Returns:
        The settings in sections.
    """
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        place = nested
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return nested
