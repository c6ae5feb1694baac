"""Costs of stages and configurations: images, floating-point operations and memory."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from sd4match.backbones.architectures import Architecture, architecture
from sd4match.backbones.image_encoder_files import dino_config, image_encoder_names
from sd4match.features.cost import Flops, Footprint, counts, dino_flops, flops, footprint
from sd4match.matching.readout import DENSE, Layer, Setting, deepest
from sd4match.prompts.family_facts import SOURCES
from sd4match.tuning.recipe import EPOCHS
from study.plan.inputs import DataRef, Machine
from study.plan.plan import Cell, Plan
from study.plan.stages import Extraction, Predict, Tune

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
RUNTIME = 1e9
"""Bytes for Python, the libraries and their workspaces: a round number."""
DENSE_PAIR = 1e9
"""What the localizer ``dense`` costs a pair, as operations of the UNet that take as long on a CPU:
20 keypoints on 500×375 pixels (docs/explanation/benchmarks.md). The others cost next to nothing."""
FORWARD_AND_BACKWARD = 2  # times the forward pass (docs/explanation/method.md section 5)


def extracted(data: DataRef, source: str | None) -> int:
    """How many images of a split are extracted.

    Args:
        data: the split.
        source: what a cpm prompt reads; None for others.

    Returns:
        The split's images; two for each pair if the prompt depends on pairs.
    """
    of_pairs, _ = SOURCES[source] if source else (False, None)
    return 2 * data.pairs if of_pairs else data.images


def training_images(tune: Tune) -> int:
    """Images through the UNet, forward and backward: two for each pair of each step."""
    steps, batch = int(tune.settings["steps"]), int(tune.settings["batch_size"])
    return 2 * steps * min(batch, tune.train.pairs)


def validation_images(tune: Tune) -> int:
    """Images through the UNet in the validations of all epochs."""
    return epochs(tune) * extracted(tune.val, tune.settings["source"])


def rung_images(tune: Tune) -> int:
    """Images that ASHA's comparisons extract, in all rungs; each noise draw is a pass."""
    return len(rung_epochs(tune)) * extracted(tune.val, tune.settings["source"])


def rung_epochs(tune: Tune) -> tuple[int, ...]:
    """The epochs after which ASHA compares a tuning with others; none after the last one."""
    if tune.rung is None:
        return ()
    powers = (tune.rung.reduction**power for power in itertools.count())
    return tuple(itertools.takewhile(lambda epoch: epoch < epochs(tune), powers))


def epochs(tune: Tune) -> int:
    """How many epochs a tuning has, each with a validation."""
    steps = int(tune.settings["steps"])
    return math.ceil(steps / math.ceil(steps / EPOCHS))


@dataclass
class Costs:
    """Counts operations from the architecture of each backbone; needs no weights."""

    _architectures: dict[str, Architecture] = field(default_factory=dict)
    _flops: dict[tuple[str, int, Layer], Flops] = field(default_factory=dict)
    _dino: dict[tuple[Machine, int, Layer], int] = field(default_factory=dict)

    def predict(self, stage: Predict, settings: Iterable[Setting], *, images: int) -> float:
        """Operations of a predict stage.

        Args:
            stage: the stage.
            settings: at least one that is read.
            images: how many are extracted; each noise draw is a pass.
        """
        extraction, settings = stage.extraction, list(settings)
        one = self.unet(extraction.machine, extraction.image_size, deepest(settings))
        maps = stage.data.images * self._maps(extraction, settings)
        dense = stage.data.pairs * sum(map(_dense, settings))
        return float(images * extraction.ensemble * one + maps + dense)

    def unet(self, machine: Machine, image_size: int, layer: Layer) -> int:
        """Operations of one pass of one image through the UNet."""
        return self._one(machine, image_size, layer).unet

    def tune(self, stage: Tune) -> float:
        """Operations of a tune stage, with its validations and ASHA's comparisons."""
        settings = stage.settings
        one = self._one(stage.machine, int(settings["image_size"]), int(settings["layer"]))
        passes = training_images(stage) * FORWARD_AND_BACKWARD + validation_images(stage)
        text = FORWARD_AND_BACKWARD * one.text * int(settings["steps"])
        maps = 0
        if "fused_with" in settings:  # each image once, without a backward pass
            images = min(stage.train.images, training_images(stage)) + stage.val.images
            size, layer = int(settings["image_size"]), int(settings["layer"])
            maps = images * self.dino(stage.machine, size, layer)
        operations = float(passes * one.unet + text + maps)
        if stage.rung is not None:
            compared = Predict(stage.rung.extraction, stage.val)
            operations += self.predict(compared, [stage.rung.setting], images=rung_images(stage))
        return operations

    def dino(self, machine: Machine, image_size: int, layer: Layer) -> int:
        """Operations of DINO's feature map of one image, for features fused at a layer."""
        known = (machine, image_size, layer)
        if known not in self._dino:
            shape = counts(self.architecture(machine), image_size).at(layer).shape
            names = {**image_encoder_names(machine.backbone), **dict(machine.image_encoders)}
            self._dino[known] = dino_flops(dino_config(names["dino"]), shape[1:])
        return self._dino[known]

    def encode(self, machine: Machine, image_size: int, images: int) -> float:
        """Operations of the VAE encoder for some images."""
        return float(self._one(machine, image_size, 0).vae_encode * images)

    def cell(self, cell: Cell, data: DataRef) -> int:
        """Operations of matching all images of a split, without sharing with other results.

        Args:
            cell: of the configuration that matches.
            data: the split; the cell's own, or another one.
        """
        extraction = cell.predict.extraction
        source = cell.configuration["source"] if extraction.file is None else extraction.file.source
        passes = extraction.ensemble * extracted(data, None if source is None else str(source))
        one = self._one(extraction.machine, extraction.image_size, cell.setting[0])
        maps = self._maps(extraction, [cell.setting])
        dense = data.pairs * _dense(cell.setting)
        return int(data.images * (one.vae_encode + maps) + passes * one.unet + dense)

    def _maps(self, extraction: Extraction, settings: Iterable[Setting]) -> int:
        """Operations of DINO for one image: a map of each size that is fused."""
        if extraction.fused_with is None:
            return 0
        one = {layer for layer, _ in settings}
        known = (self.dino(extraction.machine, extraction.image_size, layer) for layer in one)
        return sum(set(known))  # layers of one size share a map

    def architecture(self, machine: Machine) -> Architecture:
        """The architecture of a machine's backbone."""
        name = machine.backbone
        if name not in self._architectures:
            self._architectures[name] = architecture(name)
        return self._architectures[name]

    def _one(self, machine: Machine, image_size: int, layer: Layer) -> Flops:
        known = (machine.backbone, image_size, layer)
        if known not in self._flops:
            self._flops[known] = flops(self.architecture(machine), image_size, layer)
        return self._flops[known]


def _dense(setting: Setting) -> float:
    """What a readout setting costs a pair."""
    return DENSE_PAIR if setting[1].localizer == DENSE else 0.0


def tflop_per_image(plan: Plan) -> dict[str, float]:
    """Planned TFLOP per image, by configuration: the cost of matching with it, not of learning it.

    Every image passes through the VAE encoder once, and ``ensemble`` times through the UNet to the
    configuration's layer; fused features need DINO's map of the image too. Prompts that depend on
    pairs extract both images of each pair.

    Args:
        plan: images are counted on all its splits.

    Returns:
        Key of a configuration -> 10¹² operations an image.
    """
    costs = Costs()
    found = {}
    # On the same splits for every configuration: prompts that depend on pairs have other passes
    # per image on other splits, and a search measures most configurations on val only.
    splits = dict.fromkeys(cell.data for cell in plan.cells)
    images = sum(data.images for data in splits)
    for configuration, cells in plan.by_configuration.items():
        own = {cell.data: cell for cell in cells}
        operations = sum(costs.cell(own.get(data, cells[0]), data) for data in splits)
        found[configuration.key] = operations / max(1, images) / 1e12
    return found


def worker_mb(plan: Plan, costs: Costs) -> float:
    """Estimate the peak memory of one worker, without image encoders.

    A prediction holds the weights, and what the largest module reads and writes for a batch. A
    tuning holds what all modules write for both images of each pair of a step.

    Args:
        plan: its most demanding stage counts.
        costs: of the architectures.

    Returns:
        10⁶ bytes.
    """

    def counted(machine: Machine, image_size: int, layer: Layer) -> Footprint:
        return footprint(costs.architecture(machine), image_size, layer)

    needs = [0.0]
    predicts = {
        (stage.extraction.machine, stage.extraction.image_size, layer)
        for key, stage in plan.predicts.items()
        for layer, _ in plan.settings[key]
    }
    for machine, size, layer in predicts:
        made = counted(machine, size, layer)
        numbers = made.weights + max(machine.batch_size * made.unet_peak, made.vae_peak)
        needs.append(BYTES[machine.dtype] * numbers)
    tunes = {
        (t.machine, int(s["image_size"]), int(s["layer"]), int(s["batch_size"]))
        for t in plan.tunes.values()
        for s in [t.settings]
    }
    for machine, size, layer, batch in tunes:
        made = counted(machine, size, layer)
        needs.append(BYTES[machine.dtype] * (made.weights + 2 * batch * made.unet_all))
    return (RUNTIME + max(needs)) / 1e6
