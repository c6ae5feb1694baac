"""From configurations to stages: what must be computed, with everything shared that can be."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sd4match import backbones, datasets
from sd4match.backbones import Architecture
from sd4match.errors import SD4MatchError
from sd4match.prompts import find, serving_category
from sd4match.prompts.cpm import SOURCES
from study.axes import OWN, TRAINED_ON, Configuration, Value
from study.data import DataRef, refer
from study.space import Space
from study.stages import PROMPT_OPTIONS, Extraction, Latents, Machine, Predict, Setting, Tune

REPORT_SPLITS = ("val", "test")


@dataclass(frozen=True)
class Cell:
    """One configuration on one split: which record answers it.

    Attributes:
        setting: the free setting to read from the record of ``predict``.
        missing: why there can be no answer; such a cell needs no stage.
    """

    configuration: Configuration
    predict: Predict
    setting: Setting
    tune: Tune | None
    missing: str | None = None

    @property
    def data(self) -> DataRef:
        """The split it is about."""
        return self.predict.data


@dataclass
class Plan:
    """Everything a set of configurations needs, each stage once.

    Attributes:
        cells: one a configuration and split, in the order of the configurations.
        tunes, predicts: the distinct stages by key.
        settings: the free settings wanted of every predict stage.
    """

    cells: list[Cell] = field(default_factory=list)
    tunes: dict[str, Tune] = field(default_factory=dict)
    predicts: dict[str, Predict] = field(default_factory=dict)
    settings: dict[str, dict[Setting, None]] = field(default_factory=dict)
    _there: set[tuple[Configuration, str]] = field(default_factory=set)

    def add(self, cell: Cell) -> None:
        """Add a cell, once, and the stages it needs; what is already there is shared."""
        if (cell.configuration, cell.predict.key) in self._there:
            return
        self._there.add((cell.configuration, cell.predict.key))
        self.cells.append(cell)
        if cell.missing:
            return
        self.predicts.setdefault(cell.predict.key, cell.predict)
        # A dict keeps the order of arrival, which a set does not.
        self.settings.setdefault(cell.predict.key, {})[cell.setting] = None
        if cell.tune is not None:
            self.tunes.setdefault(cell.tune.key, cell.tune)

    def update(self, other: "Plan") -> None:
        """Add the cells of another plan that are not there yet."""
        for cell in other.cells:
            self.add(cell)

    @property
    def answerable(self) -> list[Cell]:
        """The cells that stages answer, which is all but a few."""
        return [cell for cell in self.cells if not cell.missing]

    @property
    def configurations(self) -> list[Configuration]:
        """The distinct configurations, in order."""
        return list(dict.fromkeys(cell.configuration for cell in self.cells))

    @property
    def extractions(self) -> dict[str, tuple[Extraction, list[Predict]]]:
        """Predict trials: each extraction with its stages, by the extraction's key."""
        trials: dict[str, tuple[Extraction, list[Predict]]] = {}
        for predict in self.predicts.values():
            extraction = predict.extraction
            trials.setdefault(extraction.key, (extraction, []))[1].append(predict)
        return trials

    @property
    def latents(self) -> dict[str, Latents]:
        """Latent stages of all that this plan extracts or trains on, by key."""
        stages = [  # those that tunings wait for come first
            Latents(tune.machine, int(tune.settings["image_size"]), data)
            for tune in self.tunes.values()
            for data in (tune.train, tune.val)
        ] + [
            Latents(p.extraction.machine, p.extraction.image_size, p.data)
            for p in self.predicts.values()
        ]
        return {stage.key: stage for stage in stages}


class Planner:
    """Plans configurations of one space; opens every data set and backbone once.

    Args:
        space: the checked search space.
        fetch: download weights that are not here, as a launch must; a plan does without.
    """

    def __init__(self, space: Space, *, fetch: bool = False) -> None:
        self.space = space
        self._fetch = fetch
        self._machines: dict[str, Machine] = {}
        self._architectures: dict[str, Architecture] = {}
        self._encoders: dict[tuple[Machine, str], str] = {}
        self._data: dict[tuple[str, str], DataRef] = {}

    def plan(
        self,
        configurations: Iterable[Configuration],
        *,
        splits: tuple[str, ...] = REPORT_SPLITS,
        only: Collection[str] | None = None,
    ) -> Plan:
        """The stages that answer these configurations on ``splits`` of the study's data sets.

        PF-Willow takes part in ``test`` only (it has no other split).

        Args:
            configurations: what is asked; equal ones count once.
            splits: of ``val`` and ``test``.
            only: some of the study's data sets; None takes all.

        Raises:
            SD4MatchError: a data set or backbone is broken, or an image size impossible.
        """
        plan = Plan()
        for configuration in configurations:
            for dataset in self.space.file.data.evaluate:
                for split in splits:
                    if split in datasets.SPLITS[dataset] and (only is None or dataset in only):
                        plan.add(self._cell(configuration, dataset, split))
        return plan

    def require_data(self) -> None:
        """Refuse to go on without the data sets that the space needs.

        Raises:
            SD4MatchError: some are not there; says which, and what to do.
        """
        file, space = self.space.file, self.space
        wanted = [(d, s) for d in file.data.evaluate for s in REPORT_SPLITS]
        if space.trains:
            sources = {file.baseline.train.data, *space.axes.get("train.data", ())}
            for dataset in file.data.evaluate:
                own = TRAINED_ON[dataset]
                for data in sorted(own if source == OWN else str(source) for source in sources):
                    wanted += [(data, "train"), (data, "val")]
        refs = [self.data(d, s) for d, s in dict.fromkeys(wanted) if s in datasets.SPLITS[d]]
        absent = dict.fromkeys(ref.dataset for ref in refs if not ref.present)
        if absent:
            raise SD4MatchError(
                f"data set missing: {', '.join(absent)} in {file.data.root}: make small ones with "
                f"`sd4match data shapes {file.data.root}`, or set data.root and data.evaluate"
            )

    def architecture(self, configuration: Configuration) -> Architecture:
        """The architecture of a configuration's backbone."""
        name = str(configuration["backbone"])
        if name not in self._architectures:
            self._architectures[name] = backbones.architecture(name)
        return self._architectures[name]

    def data(self, dataset: str, split: str) -> DataRef:
        """One split as this study uses it."""
        if (dataset, split) not in self._data:
            file = self.space.file.data
            self._data[dataset, split] = refer(
                dataset, split, root=file.root, subset=file.pairs, seed=file.seed
            )
        return self._data[dataset, split]

    def _cell(self, configuration: Configuration, dataset: str, split: str) -> Cell:
        machine = self._machine(configuration)
        tune = self._tune(configuration, machine, dataset)
        values = configuration.as_dict
        self.architecture(configuration).check(
            image_size=_whole(values["image_size"]),
            layers=(_whole(values["layer"]),),
            timestep=_whole(values["timestep"]),
        )
        extraction = Extraction(
            machine=machine,
            prompt=tune.key if tune else str(values["prompt"]),
            tuned=tune is not None,
            timestep=_whole(values["timestep"]),
            ensemble=_whole(values["ensemble"]),
            image_size=_whole(values["image_size"]),
            seed=_whole(values["seed"]),
            template=None if values["template"] is None else str(values["template"]),
            fused_with=self._encoder(machine, "dino") if values["fusion"] == "dino" else None,
        )
        data = self.data(dataset, split)
        return Cell(
            configuration=configuration,
            predict=Predict(extraction, data),
            setting=(_whole(values["layer"]), configuration.readout),
            tune=tune,
            missing=_unknown_categories(tune, data) if tune else None,
        )

    def _tune(self, configuration: Configuration, machine: Machine, dataset: str) -> Tune | None:
        data = configuration.training_data(dataset)
        if data is None:
            return None
        values, recipe = configuration.as_dict, self.space.file.recipe
        return Tune(
            machine=machine,
            settings={
                "family": values["prompt"],
                **{name: values[name] for name in PROMPT_OPTIONS},
                "reads": self._encoder(machine, kind) if (kind := _reads(values)) else None,
                "seed": values["seed"],
                "image_size": values["image_size"],
                "timestep": values["train.timestep"],
                "layer": values["train.layer"],
                "kernel_size": values["train.kernel_size"],
                "steps": recipe.steps,
                "learning_rate": recipe.learning_rate,
                "batch_size": recipe.batch_size,
            },
            train=self.data(data, "train"),
            val=self.data(data, "val"),
        )

    def _machine(self, configuration: Configuration) -> Machine:
        name = str(configuration["backbone"])
        if name not in self._machines:
            file = self.space.file
            if self._fetch:
                backbones.fetch(name)
            device = backbones.choose_device(file.device)
            dtype = backbones.choose_dtype(file.dtype, device)
            self._machines[name] = Machine(
                backbone=name,
                fingerprint=backbones.identify(name) or f"absent:{name}",
                device=device.type,
                dtype=str(dtype).removeprefix("torch."),
                threads=file.resources.cpus_per_trial,
                batch_size=file.batch_size,
                image_encoders=tuple(sorted(file.image_encoders.items())),
            )
        return self._machines[name]

    def _encoder(self, machine: Machine, kind: str) -> str:
        """Fingerprint of the image encoder of a kind that goes with a backbone."""
        if (machine, kind) not in self._encoders:
            names = backbones.image_encoder_names(machine.backbone)
            name = {**names, **dict(machine.image_encoders)}[kind]
            if self._fetch:
                backbones.fetch_image_encoder(name)
            fingerprint = backbones.identify_image_encoder(name) or f"absent:{name}"
            self._encoders[machine, kind] = fingerprint
        return self._encoders[machine, kind]


def _reads(values: Mapping[str, Value]) -> str | None:
    """The kind of image encoder that a configuration's prompt reads."""
    source = values["source"]
    return None if source is None else SOURCES[str(source)][1].encoder


def _unknown_categories(tune: Tune, data: DataRef) -> str | None:
    """Why a learned prompt cannot answer for a split: categories it never saw (METHOD.md 2)."""
    family = str(tune.settings["family"])
    if find(family).depends_on != "category":
        return None
    unknown = [c for c in data.categories if serving_category(tune.train.categories, c) is None]
    names = ", ".join(unknown)
    return f"{tune.train.dataset} teaches no {family} prompt for {names}" if unknown else None


def _whole(value: object) -> int:
    assert isinstance(value, int), value  # checked when the space was read
    return value
