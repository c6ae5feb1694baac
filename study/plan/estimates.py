"""Estimates of a plan before anything runs: what it costs, what sharing saves, what remains."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sd4match.matching.readout import Setting
from study.plan.cost import (
    Costs,
    extracted,
    rung_images,
    training_images,
    validation_images,
    worker_mb,
)
from study.plan.inputs import ABSENT, Machine
from study.plan.plan import Plan, latents_of
from study.plan.stages import Extraction, Latents, Predict, Tune
from study.plan.stored import Duration, Reuse, Stored, reuse
from study.plan.unanswerable import Unanswerable, unanswerable
from study.space.metric import Rule

Operations = dict[tuple[Machine, str], float]
"""TFLOP by machine and kind of stage."""
Rates = Mapping[tuple[Machine, str], Duration]
"""Seconds for one TFLOP by machine and kind of stage; only what was timed."""


@dataclass(frozen=True)
class Estimate:
    """A plan in numbers; ``…_alone``: without sharing, each configuration computed by itself.

    Attributes:
        configurations: distinct configurations.
        trials, trials_alone: predict trials, one for each (prompt, extraction setting).
        tunings, tunings_alone: prompts to learn.
        passes, passes_alone: images through the UNet in prediction, noise draws counted.
        tuning_passes: images through the UNet in training (forward and backward), validation and
            ASHA's comparisons.
        encodes, encodes_alone: images through the VAE encoder in prediction and tuning.
        tflop, tflop_alone: operations, 10¹² (2 per multiply-add).
        stored_trials, stored_tunings: how many of these are already computed.
        tflop_left: operations of the rest.
        work: the same by machine and kind of stage.
        duration: device time of the rest; None if nothing was timed on such a machine.
        worker_mb: peak memory of a worker in the most demanding stage, 10⁶ bytes, estimated.
        disk_mb: upper bound of the disk space of predictions and latents, 10⁶ bytes.
        predictions: what has to be done for each prediction.
        absent: data sets, prompt files and weights that are not on this machine.
        unanswerable: configurations that no launch can answer, by reason.
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
    tflop_left: float
    work: Operations
    duration: Duration | None
    worker_mb: float
    disk_mb: float
    predictions: Reuse
    absent: tuple[str, ...]
    unanswerable: tuple[Unanswerable, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the details of ``work``."""
        facts = asdict(replace(self, work={}))
        del facts["work"]
        return facts


def estimate(plan: Plan, stored: Stored, rule: Rule, rates: Rates) -> Estimate:
    """Count a plan.

    Args:
        plan: what is wanted.
        stored: what the store holds of it, with scores.
        rule: how predictions are scored.
        rates: see `expected`.

    Returns:
        The numbers; operations are counted on the architecture and need no weights.
    """
    costs = Costs()
    images = {key: images_of(plan, stage) for key, stage in plan.predicts.items()}

    def predict_flop(key: str, settings: Iterable[Setting]) -> float:
        return costs.predict(plan.predicts[key], settings, images=images[key])

    latents, trials = list(plan.latents.values()), plan.extractions
    shared = sum(predict_flop(key, wanted) for key, wanted in plan.settings.items())
    shared += sum(map(costs.tune, plan.tunes.values()))
    shared += sum(costs.encode(s.machine, s.image_size, s.images) for s in latents)

    # Without sharing: how often each stage would be computed.
    predicts: Counter[tuple[str, Setting]] = Counter()
    tunes: Counter[str] = Counter()
    trials_alone = 0
    for cells in plan.by_configuration.values():
        answerable = [cell for cell in cells if not cell.missing]
        predicts.update((cell.predict.key, cell.setting) for cell in answerable)
        tunes.update({cell.tune.key for cell in answerable if cell.tune})
        trials_alone += len({cell.predict.extraction.key for cell in answerable})
    encoded = [(plan.predicts[key], n) for (key, _), n in predicts.items()]
    read = [(plan.tunes[key], n) for key, n in tunes.items()]
    alone = sum(n * predict_flop(key, [setting]) for (key, setting), n in predicts.items())
    alone += sum(
        n * costs.encode(p.extraction.machine, p.extraction.image_size, p.data.images)
        for p, n in encoded
    )
    alone += sum(
        n * (costs.tune(t) + costs.encode(t.machine, _size(t), t.train.images + t.val.images))
        for t, n in read
    )

    left = remaining(plan, stored)
    work = work_of(plan, stored, left, costs, images)
    return Estimate(
        configurations=len(plan.by_configuration),
        trials=len(trials),
        trials_alone=trials_alone,
        tunings=len(plan.tunes),
        tunings_alone=tunes.total(),
        passes=sum(images[key] * p.extraction.ensemble for key, p in plan.predicts.items()),
        passes_alone=sum(
            n * images[key] * plan.predicts[key].extraction.ensemble
            for (key, _), n in predicts.items()
        ),
        tuning_passes=sum(map(_tuning_passes, plan.tunes.values())),
        encodes=sum(stage.images for stage in latents),
        encodes_alone=sum(n * p.data.images for p, n in encoded)
        + sum(n * (t.train.images + t.val.images) for t, n in read),
        tflop=shared / 1e12,
        tflop_alone=alone / 1e12,
        stored_trials=sum(
            not any(stage.key in left for stage in stages) for _, stages in trials.values()
        ),
        stored_tunings=sum(key not in left for key in plan.tunes),
        tflop_left=sum(work.values()),
        work=work,
        duration=expected(rates, work),
        worker_mb=worker_mb(plan, costs),
        disk_mb=_disk(plan, latents, costs) / 1e6,
        predictions=reuse(plan, stored, rule),
        absent=_absent(plan, latents, [extraction for extraction, _ in trials.values()]),
        unanswerable=unanswerable(plan),
    )


def images_of(plan: Plan, stage: Predict) -> int:
    """How many images a predict stage extracts."""
    extraction = stage.extraction
    if extraction.file:
        return extracted(stage.data, extraction.file.source)
    tune = plan.tunes.get(extraction.prompt)
    return extracted(stage.data, tune.settings["source"] if tune else None)


def _tuning_passes(tune: Tune) -> int:
    compared = rung_images(tune) * tune.rung.extraction.ensemble if tune.rung else 0
    return training_images(tune) + validation_images(tune) + compared


def _size(tune: Tune) -> int:
    return int(tune.settings["image_size"])


def _disk(plan: Plan, latents: Sequence[Latents], costs: Costs) -> float:
    """Bytes: two uint16 per keypoint, and two float32 moments per latent cell.

    A pair has 20 keypoints at most (docs/explanation/method.md section 2).
    """
    predictions = sum(
        4 * 20 * stage.data.pairs * len(plan.settings[key]) for key, stage in plan.predicts.items()
    )
    moments = 0.0
    for stage in latents:
        known = costs.architecture(stage.machine)
        side = stage.image_size / known.vae_factor
        moments += stage.images * 2 * 4 * known.vae["latent_channels"] * side**2
    return predictions + moments


def _absent(
    plan: Plan, latents: Sequence[Latents], extractions: Sequence[Extraction]
) -> tuple[str, ...]:
    data = {stage.data for stage in latents}
    models = {extraction.machine.fingerprint for extraction in extractions}
    models |= {extraction.fused_with or "" for extraction in extractions}
    models |= {extraction.file.fingerprint for extraction in extractions if extraction.file}
    reads = ("reads", "fused_with")
    models |= {tune.settings.get(n) or "" for tune in plan.tunes.values() for n in reads}
    return tuple(
        sorted({f"{d.dataset} in {d.root}" for d in data if not d.present})
        + sorted(name.removeprefix(ABSENT) for name in models if name.startswith(ABSENT))
    )


def remaining(plan: Plan, stored: Stored) -> dict[str, tuple[Setting, ...]]:
    """The tune and predict stages that must run.

    Args:
        plan: what is wanted.
        stored: what the store holds of it.

    Returns:
        Stage key -> the readout settings that must be read (none for a tuning).
    """
    left: dict[str, tuple[Setting, ...]] = {
        key: () for key in plan.tunes if key not in stored.tunes
    }
    for key, stage in plan.predicts.items():
        if missing := stored.missing(plan, stage):
            left[key] = missing
    return left


def work_of(
    plan: Plan,
    stored: Stored,
    left: Mapping[str, tuple[Setting, ...]],
    costs: Costs,
    images: Mapping[str, int],
) -> Operations:
    """The operations of the stages that must run.

    Args:
        plan, stored: see `remaining`.
        left: what `remaining` returns.
        costs: counts operations.
        images: predict stage key -> how many images are extracted.

    Returns:
        TFLOP, with those of the latents that these stages wait for.
    """
    work: Operations = defaultdict(float)
    tunes = [plan.tunes[key] for key in left if key in plan.tunes]
    predicts = [plan.predicts[key] for key in left if key in plan.predicts]
    for tune in tunes:
        work[tune.machine, "tune"] += costs.tune(tune) / 1e12
    for stage in predicts:
        flop = costs.predict(stage, left[stage.key], images=images[stage.key])
        work[stage.extraction.machine, "predict"] += flop / 1e12
    for key, latents in latents_of(tunes, predicts).items():
        if key not in stored.latents:
            flop = costs.encode(latents.machine, latents.image_size, latents.images)
            work[latents.machine, "latents"] += flop / 1e12
    return dict(work)


def expected(rates: Rates, work: Mapping[tuple[Machine, str], float]) -> Duration | None:
    """How long some work takes.

    Args:
        rates: of the machines, as `study.store.timings.Timings.rates` gives them.
        work: TFLOP by machine and kind of stage.

    Returns:
        A range; None where a kind of stage was never timed on its machine.
    """
    low = high = 0.0
    sources: dict[str, None] = {}
    for of, tflop in work.items():
        if of not in rates:
            return None
        low, high = low + tflop * rates[of].low, high + tflop * rates[of].high
        sources[rates[of].source] = None
    return Duration(low, high, f"from {', '.join(sources)} already computed")
