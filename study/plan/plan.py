"""Plans: the results to compute for each configuration, and the stages they need."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from sd4match.backbones.architectures import Architecture
from sd4match.datasets.benchmarks import SPLITS, generated_below
from sd4match.errors import SD4MatchError
from sd4match.matching.readout import Place, Setting
from study.plan.inputs import DataRef, Machine
from study.plan.stages import Extraction, Latents, Predict, Tune
from study.plan.staging import Answer, Staging
from study.space.axes import Value
from study.space.configuration import Configuration
from study.space.space import Space

REPORT_SPLITS = ("val", "test")


@dataclass(frozen=True, slots=True)
class Cell:
    """One configuration on one split, and the stage that answers it.

    Attributes:
        configuration: what is asked.
        predict: the stage that answers it.
        setting: the readout setting to read from the record of ``predict``.
        tune: the tuning of its prompt; None for prompts that are not learned here.
        missing: why no result is possible; it then needs no stage.
    """

    configuration: Configuration
    predict: Predict
    setting: Setting
    tune: Tune | None
    missing: str | None = None

    @property
    def data(self) -> DataRef:
        """The split."""
        return self.predict.data


@dataclass
class Plan:
    """Everything a set of configurations needs, each stage once.

    Attributes:
        by_configuration: the results of each configuration, one for each split.
        tunes, predicts: the distinct stages by key.
        settings: the readout settings wanted of every predict stage.
    """

    by_configuration: dict[Configuration, list[Cell]] = field(default_factory=dict)
    tunes: dict[str, Tune] = field(default_factory=dict)
    predicts: dict[str, Predict] = field(default_factory=dict)
    settings: dict[str, dict[Setting, None]] = field(default_factory=dict)

    def add(self, cell: Cell) -> None:
        """Add a result, unless the plan has it, and the stages it needs.

        Args:
            cell: the new one.
        """
        key = cell.predict.key
        cells = self.by_configuration.setdefault(cell.configuration, [])
        if any(other.predict.key == key for other in cells):
            return
        cells.append(cell)
        if cell.missing:
            return
        if key not in self.predicts:
            self.predicts[key], self.settings[key] = cell.predict, {}
        # A dict keeps the order of arrival, which a set does not.
        self.settings[key][cell.setting] = None
        if cell.tune is not None:
            self.tunes.setdefault(cell.tune.key, cell.tune)

    def update(self, other: "Plan") -> None:
        """Add the results of another plan.

        Args:
            other: its results that this plan has already are left out.
        """
        for cell in other.cells:
            self.add(cell)

    @property
    def cells(self) -> list[Cell]:
        """All results, in the order of the configurations."""
        return list(chain.from_iterable(self.by_configuration.values()))

    @property
    def extractions(self) -> dict[str, tuple[Extraction, list[Predict]]]:
        """Predict trials: each extraction with its stages, by the extraction's key."""
        trials: dict[str, tuple[Extraction, list[Predict]]] = {}
        for predict in self.predicts.values():
            extraction = predict.extraction
            trials.setdefault(extraction.key, (extraction, []))[1].append(predict)
        return trials

    @property
    def machines(self) -> list[Machine]:
        """The distinct machines that tune or predict."""
        tuning = (tune.machine for tune in self.tunes.values())
        predicting = (stage.extraction.machine for stage in self.predicts.values())
        return list(dict.fromkeys((*tuning, *predicting)))

    @property
    def latents(self) -> dict[str, Latents]:
        """Latents stages of everything that this plan extracts or trains on, by key."""
        return latents_of(self.tunes.values(), self.predicts.values())


def latents_of(tunes: Iterable[Tune], predicts: Iterable[Predict]) -> dict[str, Latents]:
    """The latents stages that other stages wait for.

    Args:
        tunes, predicts: those other stages.

    Returns:
        By key; those of tunings come first.
    """
    wanted = chain(
        ((t.machine, int(t.settings["image_size"]), d) for t in tunes for d in (t.train, t.val)),
        ((p.extraction.machine, p.extraction.image_size, p.data) for p in predicts),
    )
    # Many wait for the same ones: compare cheaper names than keys, which hash everything.
    distinct: dict[tuple[str, int, str], tuple[Latents, ...]] = {}
    for machine, size, data in wanted:
        name = (machine.fingerprint, size, data.fingerprint)
        if name not in distinct:
            distinct[name] = Latents.of(machine, size, data)
    return {stage.key: stage for stage in chain.from_iterable(distinct.values())}


class Planner:
    """Plans configurations of one space; opens every data set and backbone once.

    Args:
        space: the checked search space.
        fetch: download weights that are not on this machine; a launch needs them, a plan does not.
    """

    def __init__(self, space: Space, *, fetch: bool = False) -> None:
        self.space = space
        self._staging = Staging(space, fetch=fetch)

    def plan(
        self,
        configurations: Iterable[Configuration],
        *,
        splits: tuple[str, ...] = REPORT_SPLITS,
        only: Collection[str] | None = None,
    ) -> Plan:
        """The stages that answer these configurations on ``splits`` of the study's data sets.

        PF-Willow has the split ``test`` only.

        Args:
            configurations: what is asked; equal ones count once.
            splits: of ``val`` and ``test``.
            only: some of the study's data sets; None takes all.

        Raises:
            SD4MatchError: a data set, backbone or prompt file is broken, they do not fit together,
                or a backbone lacks an image size or a place inside a layer.
        """
        plan = Plan()
        settings: dict[Setting, Setting] = {}
        answers: dict[tuple[Value, ...], list[Answer]] = {}
        for configuration in configurations:
            # Configurations that differ in free axes alone have the same stages.
            paid = configuration.paid
            if paid not in answers:
                answers[paid] = [
                    answer
                    for answer in self._staging.answers(configuration, splits)
                    if only is None or answer[0].data.dataset in only
                ]
            setting = self._setting(configuration)
            setting = settings.setdefault(setting, setting)
            for predict, tune, missing in answers[paid]:
                plan.add(Cell(configuration, predict, setting, tune, missing))
        return plan

    def _setting(self, configuration: Configuration) -> Setting:
        """What is read for a configuration; refused where its backbone has no such place."""
        layer = configuration.read_at
        if isinstance(layer, Place):
            self.architecture(configuration).check(layers=(layer,))
        return layer, configuration.readout

    def require_data(self) -> None:
        """Raise if data sets or prompt files of the space are missing.

        Raises:
            SD4MatchError: some are missing; says which, and what to do.
        """
        file, space = self.space.file, self.space
        wanted = [(d, s) for d in file.data.evaluate for s in REPORT_SPLITS]
        wanted += [(data, split) for data in space.training_data for split in ("train", "val")]
        refs = [self.data(d, s) for d, s in dict.fromkeys(wanted) if s in SPLITS[d]]
        absent = dict.fromkeys(ref.dataset for ref in refs if not ref.present)
        if absent:
            below = generated_below(Path(file.data.root).expanduser())
            raise SD4MatchError(
                f"data set missing: {', '.join(absent)} in {file.data.root}: "
                + (
                    f"small generated ones are in {below}: set data.root to that"
                    if below
                    else f"make small ones with `sd4match data shapes {file.data.root}`"
                )
                + ", or set data.root and data.evaluate"
            )
        named = {space.baseline["prompt"], *space.axes.get("prompt", ())}
        for name in file.prompts:
            for data, path in file.prompts[name].items() if name in named else ():
                if not self._staging.prompt_file(name, data).present:
                    raise SD4MatchError(
                        f"prompts.{name}.{data}: {path} is missing: unpack the pretrained "
                        "prompts of the SD4Match authors there, or name another path"
                    )

    def architecture(self, configuration: Configuration) -> Architecture:
        """The architecture of a configuration's backbone."""
        return self._staging.models.architecture(str(configuration["backbone"]))

    def data(self, dataset: str, split: str) -> DataRef:
        """One split as this study uses it."""
        return self._staging.data(dataset, split)
