"""A checked search space: the baseline, the axes, and configurations of their values."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sd4match.backbones.architectures import architecture
from sd4match.datasets.benchmarks import BENCHMARKS, SPLITS
from sd4match.errors import SD4MatchError
from sd4match.files.masking import masked_values
from study.space.axes import OWN, SEED, TRAINED_ON, Cost, Value, find
from study.space.configuration import Configuration, configure
from study.space.dotted import by_name
from study.space.metric import Rule
from study.space.schema import Recipe, SpaceFile

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Space:
    """A checked search space.

    Attributes:
        file: every setting, as written or by default.
        settings: the baseline's value of every axis, whether or not the axis applies.
        axes: axis name to the values it takes, in the order of the file.
        tied: the evaluation axes that training follows.
        written: every setting as written, variables of the environment by their names.
    """

    file: SpaceFile
    settings: Mapping[str, Value]
    axes: Mapping[str, tuple[Value, ...]]
    tied: tuple[str, ...] = ()
    written: Mapping[str, Any] = field(default_factory=dict, compare=False)
    _left_out: set[str] = field(default_factory=set, compare=False)
    _image_sizes: dict[str, int] = field(default_factory=dict, compare=False)

    @cached_property
    def baseline(self) -> Configuration:
        """The configuration that all others are compared with."""
        return self.with_values({})

    @property
    def name(self) -> str:
        """The study's name: its folder in ``results/``."""
        return self.file.name

    @property
    def seeds(self) -> range:
        """The seeds that every configuration is measured with: the baseline's and the next ones."""
        first = self.settings[SEED]
        assert isinstance(first, int)
        return range(first, first + self.file.seeds)

    @property
    def fidelity(self) -> str:
        """What was reduced compared with the full protocol, in words; ``full`` for nothing.

        After a semicolon: what the recipe has other than the paper's, besides the steps.
        """
        pairs, steps = self.file.data.pairs, self.file.recipe.steps
        parts = [] if pairs is None else [f"a seeded subset of {pairs} pairs per split"]
        paper = [BENCHMARKS[name].paper_steps or 0 for name in self.training_data]
        if steps is not None and steps < max(paper, default=0):
            parts.append(f"{steps:,} tuning steps")
        return "; ".join([", ".join(parts) or "full", *self._recipe()])

    def _recipe(self) -> list[str]:
        """What the recipe has other than the paper's, besides the steps."""
        recipe, paper = self.file.recipe, Recipe()
        if not self.training_data:
            return []
        schedule = recipe.schedule
        if recipe.warmup_steps and schedule != "constant_with_warmup":
            schedule += " with warm-up"
        count = recipe.warmup_steps
        rules = f" over {count:,} step{'s' * (count != 1)}" if count else ""
        rules += f" {recipe.step_rules}" if recipe.step_rules else ""
        return [
            text
            for name, text in (
                ("learning_rate", f"learning rate {recipe.learning_rate:g}"),
                ("schedule", f"learning-rate schedule {schedule}{rules}"),
                ("batch_size", f"batch size {recipe.batch_size}"),
            )
            if getattr(recipe, name) != getattr(paper, name)
        ]

    @property
    def training_data(self) -> tuple[str, ...]:
        """The data sets that prompts are learned on; none if no configuration has such a prompt."""
        if not self.trains:
            return ()
        sources = {self.settings["train.data"], *self.axes.get("train.data", ())}
        own = {TRAINED_ON[name] for name in self.file.data.evaluate} if OWN in sources else set()
        return tuple(sorted({*own, *map(str, sources - {OWN})}))

    @property
    def rule(self) -> Rule:
        """How predictions are scored."""
        return Rule(tuple(self.file.alphas), self.file.protocol)

    @property
    def metric(self) -> str | None:
        """What configurations are chosen by, on validation; None if no data set has that split."""
        if self.file.search.metric is not None:
            return self.file.search.metric
        names = [name for name in self.file.data.evaluate if "val" in SPLITS[name]]
        if not names:
            return None
        return f"{names[0] if len(names) == 1 else 'mean'}/val/pck@{self.rule.usual_alpha:g}"

    def to_yaml(self) -> str:
        """Every setting of the study, as a file that `load` reads back.

        Variables of the environment keep their names, and secrets are masked. The budget is not in
        it: another launch of the same study may have another one.
        """
        from omegaconf import OmegaConf  # commands that ask of a study do without it

        resolved: Any = OmegaConf.to_container(OmegaConf.structured(self.file))
        settings = masked_values(by_name(resolved, self.written))
        del settings["budget"]
        return str(OmegaConf.to_yaml(OmegaConf.create(settings)))

    @property
    def trains(self) -> bool:
        """Whether any configuration may have a learned prompt."""
        prompts = (*self.axes.get("prompt", ()), self.baseline["prompt"])
        return any(self.with_values({"prompt": prompt}).learned for prompt in prompts)

    def with_values(self, values: Mapping[str, Value]) -> Configuration:
        """The baseline with some axes set to other checked values.

        Raises:
            SD4MatchError: values that are impossible together.
        """
        settled = {**self.settings, **values}
        if settled["image_size"] is None:
            settled["image_size"] = self._image_size(str(settled["backbone"]))
        # If all data sets train on the same one, naming it is the same question as "own".
        if {settled["train.data"]} == {TRAINED_ON[name] for name in self.file.data.evaluate}:
            settled["train.data"] = OWN
        return configure(settled, tie=self.tied)

    def cost(self, axis: str) -> Cost:
        """What a new value of an axis costs; a tied axis needs a new training too."""
        return "tune" if axis in self.tied and self.trains else find(axis).cost

    @cached_property
    def free(self) -> Mapping[str, tuple[Value, ...]]:
        """The axes whose values all come from the same pass."""
        return {name: v for name, v in self.axes.items() if self.cost(name) == "free"}

    @cached_property
    def paid(self) -> Mapping[str, tuple[Value, ...]]:
        """The axes whose new values cost a pass or a prompt."""
        return {name: v for name, v in self.axes.items() if name not in self.free}

    def possible(self, values: Mapping[str, Value]) -> Configuration | None:
        """As `with_values`, but None with a warning for values that are impossible together."""
        try:
            return self.with_values(values)
        except SD4MatchError as error:  # each value is possible; these together are not
            if str(error) not in self._left_out:  # once, not for every value of other axes
                self._left_out.add(str(error))
                given = ", ".join(f"{name}={value}" for name, value in values.items())
                log.warning("left out %s: %s", given, error)
            return None

    def _image_size(self, backbone: str) -> int:
        if backbone not in self._image_sizes:
            self._image_sizes[backbone] = architecture(backbone).image_size
        return self._image_sizes[backbone]
