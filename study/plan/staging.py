"""Build the stages that a configuration needs; shared stages are created once."""

from collections.abc import Iterator, Mapping

from sd4match.backbones.architectures import Architecture, architecture
from sd4match.backbones.devices import device_name, dtype_name
from sd4match.backbones.fingerprints import fetch, identify
from sd4match.backbones.former_fingerprints import is_former_fingerprint
from sd4match.backbones.image_encoder_files import (
    fetch_image_encoder,
    identify_image_encoder,
    image_encoder_names,
)
from sd4match.datasets.benchmarks import SPLITS
from sd4match.errors import SD4MatchError
from sd4match.prompts.family_facts import KNOWN, SOURCES, serving_category
from sd4match.tuning.recipe import NEWER_SETTINGS, SCHEDULE_SETTINGS, paper_steps
from study.plan.inputs import ABSENT, DataRef, Machine, PromptFile, refer
from study.plan.prompt_files import describe
from study.plan.stages import PROMPT_OPTIONS, Extraction, Predict, Rung, Tune, file_key
from study.space.axes import Value
from study.space.configuration import Configuration
from study.space.metric import selecting
from study.space.schema import SpaceFile
from study.space.space import Space

Answer = tuple[Predict, Tune | None, str | None]
"""A predict stage, the tuning of its prompt, and why no result is possible (None: it is)."""


class Staging:
    """Makes stages; opens every data set, backbone and prompt file once.

    Args:
        space: the search space.
        fetch: download weights that are not on this machine.
    """

    def __init__(self, space: Space, *, fetch: bool) -> None:
        file = space.file
        self.models = Models(file, fetch=fetch)
        self._space, self._file = space, file
        self._data: dict[tuple[str, str], DataRef] = {}
        self._files: dict[tuple[str, str], PromptFile] = {}
        self._tunes: dict[tuple[object, ...], Tune] = {}

    def data(self, dataset: str, split: str) -> DataRef:
        """One split as this study uses it."""
        if (dataset, split) not in self._data:
            file = self._file.data
            self._data[dataset, split] = refer(
                dataset, split, root=file.root, subset=file.pairs, seed=file.seed
            )
        return self._data[dataset, split]

    def answers(self, configuration: Configuration, splits: tuple[str, ...]) -> Iterator[Answer]:
        """The stages that answer a configuration, one for each split of each data set.

        Args:
            configuration: what is asked.
            splits: of the study's data sets; those that a data set lacks are left out.

        Yields:
            The answers.

        Raises:
            SD4MatchError: settings that the backbone refuses, or a prompt file that is broken or
                not for it.
        """
        values = configuration.as_dict
        machine = self.models.machine(str(values["backbone"]))
        self.models.architecture(str(values["backbone"])).check(
            image_size=_int(values["image_size"]), timestep=_int(values["timestep"])
        )
        extractions: dict[object, Extraction] = {}  # data sets that share a prompt share it
        for dataset in self._file.data.evaluate:
            tune = self._tune(configuration, machine, dataset)
            file = self._prompt_file_of(configuration, machine, dataset)
            prompt = tune.key if tune else file.path if file else None
            if prompt not in extractions:
                extractions[prompt] = self._extraction(values, machine, tune, file)
            for split in splits:
                if split in SPLITS[dataset]:
                    data = self.data(dataset, split)
                    missing = _unknown_categories(values["prompt"], tune, file, data)
                    yield Predict(extractions[prompt], data), tune, missing

    def _extraction(
        self,
        values: Mapping[str, Value],
        machine: Machine,
        tune: Tune | None,
        file: PromptFile | None,
    ) -> Extraction:
        prompt = tune.key if tune else str(values["prompt"])
        if file:
            reads = file.encoder and self.models.encoder(machine, file.encoder)
            prompt = file_key(file.fingerprint, reads)
        return Extraction(
            machine=machine,
            prompt=prompt,
            tuned=tune is not None,
            timestep=_int(values["timestep"]),
            ensemble=_int(values["ensemble"]),
            image_size=_int(values["image_size"]),
            seed=_int(values["seed"]),
            template=None if values["template"] is None else str(values["template"]),
            fused_with=self.models.encoder(machine, "dino") if values["fusion"] == "dino" else None,
            file=file,
        )

    def _tune(self, configuration: Configuration, machine: Machine, dataset: str) -> Tune | None:
        if not configuration.learned:
            return None
        values, recipe = configuration.as_dict, self._file.recipe
        data = str(configuration.training_data(dataset))
        kind = None if values["source"] is None else SOURCES[str(values["source"])][1].encoder
        settings = {
            "family": values["prompt"],
            **{name: values[name] for name in PROMPT_OPTIONS},
            "reads": kind and self.models.encoder(machine, kind),
            "seed": values["seed"],
            "image_size": values["image_size"],
            "timestep": values["train.timestep"],
            "layer": values["train.layer"],
            "kernel_size": values["train.kernel_size"],
            "steps": paper_steps(data) if recipe.steps is None else recipe.steps,
            "learning_rate": recipe.learning_rate,
            "batch_size": recipe.batch_size,
        }
        newer = {
            **{name: getattr(recipe, name) for name in SCHEDULE_SETTINGS},
            "l2_normalize": values["train.l2_normalize"] is not False,
        }
        # Left out where they change nothing: prompts that were learned before keep their keys.
        settings |= {name: v for name, v in newer.items() if v != NEWER_SETTINGS[name]}
        if values["train.fusion"] == "dino":
            settings["fused_with"] = self.models.encoder(machine, "dino")
        known = (machine, data, *settings.items())
        if known not in self._tunes:
            train, val = self.data(data, "train"), self.data(data, "val")
            rung = self._rung(configuration, machine)
            self._tunes[known] = Tune(machine, settings, train, val, rung)
        return self._tunes[known]

    def _rung(self, configuration: Configuration, machine: Machine) -> Rung | None:
        """The baseline's evaluation setting, for the backbone and image size of a prompt."""
        space, reduction = self._space, self._file.search.asha
        if self._file.design != "search" or reduction is None or space.metric is None:
            return None
        baseline = space.baseline
        fixed = {name: baseline[name] for name in ("timestep", "ensemble", "seed", "fusion")}
        extraction = self._extraction({**configuration.as_dict, **fixed}, machine, None, None)
        setting = (baseline.read_at, baseline.readout)
        return Rung(extraction, setting, selecting(space.metric), reduction)

    def _prompt_file_of(
        self, configuration: Configuration, machine: Machine, dataset: str
    ) -> PromptFile | None:
        name, data = str(configuration["prompt"]), configuration.training_data(dataset)
        files = self._file.prompts.get(name)
        if files is None:
            return None
        if data not in files:
            raise SD4MatchError(
                f"prompts.{name}: no file for {data}, which {dataset} is evaluated with: "
                "name it, or set train.data or data.evaluate"
            )
        file = self.prompt_file(name, data)
        if (
            machine.known
            and file.made_for not in (None, machine.fingerprint)
            and not is_former_fingerprint(str(file.made_for), machine.backbone)
        ):
            raise SD4MatchError(
                f"prompts.{name}.{data}: {file.path} was made for a backbone with other weights "
                f"than {machine.backbone} ({str(file.made_for)[:12]}): name that backbone"
            )
        return file

    def prompt_file(self, name: str, data: str) -> PromptFile:
        """The file of a name in ``prompts`` for a training data set."""
        if (name, data) not in self._files:
            self._files[name, data] = describe(self._file.prompts[name][data])
        return self._files[name, data]


def _unknown_categories(
    prompt: Value, tune: Tune | None, file: PromptFile | None, data: DataRef
) -> str | None:
    """Why a learned prompt cannot answer for a split: it never saw some of the categories.

    See docs/explanation/method.md section 2.
    """
    if tune and KNOWN[str(prompt)].depends_on == "category":
        known, source = tune.train.categories, tune.train.dataset
    elif file and file.categories:
        known, source = file.categories, file.path
    else:
        return None
    unknown = [c for c in data.categories if serving_category(known, c) is None]
    return f"{source} teaches no {prompt} prompt for {', '.join(unknown)}" if unknown else None


def _int(value: object) -> int:
    assert isinstance(value, int), value  # checked when the space was read
    return value


class Models:
    """Looks up every backbone and image encoder once.

    Args:
        file: the search space; gives device, number format and batch size.
        fetch: download weights that are not on this machine.
    """

    def __init__(self, file: SpaceFile, *, fetch: bool) -> None:
        self._file = file
        self._fetch = fetch
        self._machines: dict[str, Machine] = {}
        self._architectures: dict[str, Architecture] = {}
        self._encoders: dict[tuple[Machine, str], str] = {}

    def architecture(self, backbone: str) -> Architecture:
        """The configurations of a backbone; they need no weights."""
        if backbone not in self._architectures:
            self._architectures[backbone] = architecture(backbone)
        return self._architectures[backbone]

    def machine(self, backbone: str) -> Machine:
        """A backbone on the device of this study."""
        if backbone not in self._machines:
            file = self._file
            if self._fetch:
                fetch(backbone)
            device = device_name(file.device)
            self._machines[backbone] = Machine(
                backbone=backbone,
                fingerprint=identify(backbone) or f"{ABSENT}{backbone}",
                device=device,
                dtype=dtype_name(file.dtype, device),
                threads=file.resources.cpus_per_trial,
                batch_size=file.batch_size,
                image_encoders=tuple(sorted(file.image_encoders.items())),
            )
        return self._machines[backbone]

    def encoder(self, machine: Machine, kind: str) -> str:
        """Fingerprint of a backbone's image encoder of a kind."""
        if (machine, kind) not in self._encoders:
            names = image_encoder_names(machine.backbone)
            name = {**names, **dict(machine.image_encoders)}[kind]
            if self._fetch:
                fetch_image_encoder(name)
            fingerprint = identify_image_encoder(name) or f"{ABSENT}{name}"
            self._encoders[machine, kind] = fingerprint
        return self._encoders[machine, kind]
