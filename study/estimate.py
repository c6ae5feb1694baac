"""What a plan costs, and what sharing saves: counted, before anything runs."""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sd4match.backbones import Architecture
from sd4match.features.cost import Flops, flops
from sd4match.prompts.cpm import SOURCES
from sd4match.tuning import EPOCHS
from study.data import DataRef
from study.engine.work import missing
from study.plan import Cell, Plan, Planner
from study.stages import Machine, Predict, Tune
from study.store import Store

FORWARD_AND_BACKWARD = 2  # times the forward pass (METHOD.md section 5)


@dataclass(frozen=True)
class Estimate:
    """A plan in numbers; ``…_alone`` is what the same cells cost one configuration at a time.

    Attributes:
        configurations: distinct questions.
        trials, trials_alone: predict trials, one a (prompt, extraction setting).
        tunings, tunings_alone: prompts to learn.
        passes, passes_alone: images through the UNet in prediction, noise draws counted.
        tuning_passes: images through the UNet in training (forward and backward) and validation.
        encodes, encodes_alone: images through the VAE encoder in prediction and tuning.
        tflop, tflop_alone: all of it, in 10¹² operations (2 a multiply-add).
        stored_trials, stored_tunings: how many of these the store holds already.
        disk_mb: upper bound of what predictions and latents will take, 10⁶ bytes.
        absent: data sets and weights that are planned from published figures alone.
    """

    configurations: int
    trials: int
    trials_alone: int
    tunings: int
    tunings_alone: int
    passes: int
    passes_alone: int
    tuning_passes: int
    encodes: int
    encodes_alone: int
    tflop: float
    tflop_alone: float
    stored_trials: int
    stored_tunings: int
    disk_mb: float
    absent: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def estimate(plan: Plan, planner: Planner, store: Store) -> Estimate:
    """Count a plan.

    Args:
        plan: what is to be run.
        planner: the one that made it; knows the architectures.
        store: what is there already.

    Returns:
        The numbers; FLOPs are counted on the architecture, no weights are needed.
    """
    architecture: dict[Machine, Architecture] = {
        cell.predict.extraction.machine: planner.architecture(cell.configuration)
        for cell in plan.cells
    }

    def cost(machine: Machine, image_size: int, layer: int) -> Flops:
        return flops(architecture[machine], image_size, layer)

    def passes(stage: Predict) -> int:
        tune = plan.tunes.get(stage.extraction.prompt)
        return extracted(stage.data, tune) * stage.extraction.ensemble

    def predict_flop(stage: Predict, layer: int) -> float:
        extraction = stage.extraction
        one = cost(extraction.machine, extraction.image_size, layer).unet
        return float(passes(stage) * one)

    def tune_flop(tune: Tune) -> float:
        settings = tune.settings
        one = cost(tune.machine, settings["image_size"], settings["layer"])
        text = FORWARD_AND_BACKWARD * one.text * settings["steps"]
        return float((_training(tune) * FORWARD_AND_BACKWARD + _validation(tune)) * one.unet + text)

    def encode_flop(machine: Machine, image_size: int, images: int) -> float:
        return float(cost(machine, image_size, 0).vae_encode * images)

    shared = sum(
        predict_flop(stage, max(layer for layer, _ in plan.settings[key]))
        for key, stage in plan.predicts.items()
    )
    shared += sum(map(tune_flop, plan.tunes.values()))
    latents = plan.latents.values()
    shared += sum(encode_flop(s.machine, s.image_size, s.data.images) for s in latents)

    answerable = plan.answerable
    alone, encodes_alone, tunings_alone = _alone(answerable, predict_flop, tune_flop, encode_flop)
    trials = plan.extractions
    return Estimate(
        configurations=len(plan.configurations),
        trials=len(trials),
        trials_alone=len(
            {(cell.configuration, cell.predict.extraction.key) for cell in answerable}
        ),
        tunings=len(plan.tunes),
        tunings_alone=tunings_alone,
        passes=sum(map(passes, plan.predicts.values())),
        passes_alone=sum(passes(cell.predict) for cell in answerable),
        tuning_passes=sum(_training(tune) + _validation(tune) for tune in plan.tunes.values()),
        encodes=sum(stage.data.images for stage in latents),
        encodes_alone=encodes_alone,
        tflop=shared / 1e12,
        tflop_alone=alone / 1e12,
        stored_trials=sum(
            not any(missing(plan, store, stage) for stage in stages)
            for _, stages in trials.values()
        ),
        stored_tunings=sum(store.prompt(key).exists() for key in plan.tunes),
        disk_mb=_disk(plan, architecture) / 1e6,
        absent=_absent(plan),
    )


def extracted(data: DataRef, tune: Tune | None) -> int:
    """How many images are extracted: each once, but once a pair where pairs decide the prompt."""
    source = tune and tune.settings["source"]
    of_pairs, _ = SOURCES[source] if source else (False, None)
    return 2 * data.pairs if of_pairs else data.images


def _training(tune: Tune) -> int:
    """Images through the UNet, source and target of every pair of every step."""
    steps, batch = int(tune.settings["steps"]), int(tune.settings["batch_size"])
    return 2 * steps * min(batch, tune.train.pairs)


def _validation(tune: Tune) -> int:
    return epochs(tune) * extracted(tune.val, tune)


def epochs(tune: Tune) -> int:
    """How many epochs a tuning has, each with its validation."""
    steps = int(tune.settings["steps"])
    return math.ceil(steps / math.ceil(steps / EPOCHS))


def _alone(
    cells: Iterable[Cell],
    predict_flop: Callable[[Predict, int], float],
    tune_flop: Callable[[Tune], float],
    encode_flop: Callable[[Machine, int, int], float],
) -> tuple[float, int, int]:
    """FLOP, encodes and tunings when every configuration runs by itself, nothing kept."""
    total, encodes = 0.0, 0
    tunings: set[tuple[str, str]] = set()
    for cell in cells:
        extraction = cell.predict.extraction
        total += predict_flop(cell.predict, cell.setting[0])
        encodes += cell.data.images
        total += encode_flop(extraction.machine, extraction.image_size, cell.data.images)
        if cell.tune and (cell.configuration.key, cell.tune.key) not in tunings:
            tunings.add((cell.configuration.key, cell.tune.key))
            images = cell.tune.train.images + cell.tune.val.images
            encodes += images
            total += tune_flop(cell.tune)
            total += encode_flop(extraction.machine, extraction.image_size, images)
    return total, encodes, len(tunings)


def _disk(plan: Plan, architecture: dict[Machine, Architecture]) -> float:
    """Bytes: two uint16 a keypoint (20 a pair at most, METHOD.md 2), two fp32 moments a cell."""
    predictions = sum(
        4 * 20 * stage.data.pairs * len(plan.settings[key]) for key, stage in plan.predicts.items()
    )
    moments = 0.0
    for stage in plan.latents.values():
        known = architecture[stage.machine]
        side = stage.image_size / known.vae_factor
        moments += stage.data.images * 2 * 4 * known.vae["latent_channels"] * side**2
    return predictions + moments


def _absent(plan: Plan) -> tuple[str, ...]:
    data = {cell.data for cell in plan.cells} | {
        data for tune in plan.tunes.values() for data in (tune.train, tune.val)
    }
    models = {cell.predict.extraction.machine.fingerprint for cell in plan.cells}
    models |= {cell.predict.extraction.fused_with or "" for cell in plan.cells}
    models |= {tune.settings["reads"] or "" for tune in plan.tunes.values()}
    return tuple(
        sorted({f"{d.dataset} in {d.root}" for d in data if not d.present})
        + sorted(name.removeprefix("absent:") for name in models if name.startswith("absent:"))
    )
