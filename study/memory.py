"""About how much memory a worker needs: weights, and what the dearest stage makes of them."""

from sd4match.features.footprint import Footprint, footprint
from study.cost import Costs
from study.plan import Plan
from study.stages import Machine

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
RUNTIME = 1e9
"""Bytes for Python, the libraries and their workspaces; a round number."""


def worker_mb(plan: Plan, costs: Costs) -> float:
    """An estimate of the peak of one worker, 10⁶ bytes; image encoders are not counted.

    A prediction keeps weights and what the dearest module reads and writes for a batch; a tuning
    keeps what all modules write for both images of every pair of a step.
    """

    def counted(machine: Machine, image_size: int, layer: int) -> Footprint:
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
