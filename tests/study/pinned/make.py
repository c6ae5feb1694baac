"""Small outputs of every stage, and the reference they are compared with.

Run it after raising the version of a stage whose output was meant to change::

    python tests/study/pinned/make.py
"""

import json
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from sd4match import backbones
from sd4match.matching.readout import Readout
from sd4match.pck.ground_truth import GroundTruth
from sd4match.testbed import shapes
from study.engine.worker import Workshop
from study.plan import stages
from study.plan.inputs import Machine, refer
from study.plan.stages import PROMPT_OPTIONS, Extraction, Latents, Predict, Tune
from study.space.metric import Rule
from study.store.scores import Record, read_scores, score
from study.store.store import Store

REFERENCE = Path(__file__).with_name("reference.json")
SIDE = 32
SETTINGS = (
    (0, Readout("softmax")),
    (1, Readout("softmax")),
    (2, Readout("kernel_softmax", kernel_sigma=3.0)),
    (1, Readout("bilinear")),
    (3, Readout("nearest")),
)
RULE = Rule((0.05, 0.1, 0.15), "sd4match")

# How far another CPU or thread count may be, and the share of values that must be so near: an
# arg-max between two almost equal cells may fall either way, and Adam's first steps follow signs.
TOLERANCES = {
    "latents moments": (1e-3, 1.0),
    "tune loss": (1e-3, 1.0),
    "tune prompt": (1e-3, 0.95),
    "class_tune prompt": (1e-3, 0.95),
    "predict positions": (0.02, 0.9),
    "score counts": (0, 1.0),
}


def versions():
    """The versions of all stages, as `study.plan.stages` says."""
    names = dict.fromkeys(version_of(output) for output in TOLERANCES)
    return {name: getattr(stages, name) for name in names}


def version_of(output):
    """The constant that has to be raised when an output changes."""
    return f"{output.split()[0].upper()}_VERSION"


def identity(root):
    """Fingerprints of what the outputs are of: weights and data have their own place in keys."""
    data = refer("spair", "val", root=str(root), subset=2, seed=0)
    return {"backbone": backbones.identify("nano"), "data": data.fingerprint}


def outputs(root, folder):
    """What each stage makes of the smallest shapes benchmark in ``root``, as arrays.

    Args:
        root: of ``shapes.generate(root, seed=0, scale=0.01)``.
        folder: an empty one, for a store.
    """
    store = Store(folder)
    train, val = (
        refer("spair", split, root=str(root), subset=2, seed=0) for split in ("train", "val")
    )
    machine = Machine("nano", str(identity(root)["backbone"]), "cpu", "float32", 1, 4)
    workshop = Workshop(store, RULE)

    workshop.encode(Latents(machine, SIDE, val))
    moments = [load_file(file)["value"] for file in sorted(store.latents.rglob("*.safetensors"))]

    recipe = {"steps": 2, "learning_rate": 0.01, "batch_size": 2}
    settings = {"timestep": 261, "layer": 1, "kernel_size": 7, "image_size": SIDE, **recipe}
    prompt = {"family": "single", **dict.fromkeys(PROMPT_OPTIONS), "length": 2, "reads": None}
    tune = Tune(machine, {**prompt, "seed": 0, **settings}, train, val)
    losses = [row["loss"] for row in workshop.tune(tune)]
    (tokens,) = load_file(store.prompt(tune.key)).values()
    # Single pairs of several categories: each is absent from most batches.
    several, unserved = (
        refer("spair", split, root=str(root), subset=subset, seed=1)
        for split, subset in (("train", 3), ("val", 1))
    )
    # Without validation the last epoch's prompt is kept, whatever the first ones score.
    assert not set(several.categories) & set(unserved.categories)
    of_class = {**tune.settings, "family": "class", "batch_size": 1, "steps": 4}
    last = Tune(machine, of_class, several, unserved)
    assert len([*workshop.tune(last)]) == 4
    learned = load_file(store.prompt(last.key))
    categories = np.stack([learned[name] for name in sorted(learned)])

    stage = Predict(Extraction(machine, "text", False, 50, 2, SIDE, 0), val)
    workshop.predict(stage, SETTINGS)
    truth = GroundTruth.of(val.open())
    (file,) = set(store.recorded(stage.key).values())
    positions = store.read_predictions(file, truth)

    return {
        "latents moments": np.stack(moments)[:, :, :, ::2, ::2],
        "tune loss": np.array(losses),
        "tune prompt": tokens[:, ::2],
        "class_tune prompt": categories[..., ::8],
        "predict positions": positions,
        "score counts": np.stack(list(scores(store, root))),
    }


def scores(store, root):
    """Counts of made-up predictions at every alpha: exact, whatever the model's last digits."""
    data = refer("spair", "val", root=str(root), subset=None, seed=0)
    truth = GroundTruth.of(data.open())
    store.write_truth(data.open())
    noise = np.random.default_rng(0).normal(0, 15, (len(SETTINGS), *truth.keypoints.shape))
    store.write_predictions("made-up", SETTINGS, truth.keypoints + noise, truth)
    (file,) = score(store, Record("made-up", data.fingerprint, SIDE), SETTINGS, RULE)
    for alpha in RULE.alphas:
        yield read_scores(file, alpha)[1]


def agrees(output, found, reference):
    """Whether an output is the reference, but for the last digits."""
    expected = np.array(reference)
    tolerance, share = TOLERANCES[output]
    return found.shape == expected.shape and bool(
        (np.abs(found - expected) <= tolerance).mean() >= share
    )


def main():
    """Write the reference, unless a stage changed whose version was not raised."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "shapes"
        shapes.generate(root, seed=0, scale=0.01)
        found, things = outputs(root, Path(folder) / "store"), identity(root)
    if REFERENCE.exists():
        old = json.loads(REFERENCE.read_text())
        changed = {
            version_of(output)
            for output, pinned in old["outputs"].items()
            if not agrees(output, found[output], pinned)
        }
        forgotten = {name for name in changed if old["versions"][name] == versions()[name]}
        if forgotten and old["identity"] == things:
            names = ", ".join(sorted(forgotten))
            raise SystemExit(f"output changed: raise {names} in study/plan/stages.py first")
    rounded = {name: np.round(values.astype(float), 4).tolist() for name, values in found.items()}
    content = {"versions": versions(), "identity": things, "outputs": rounded}
    REFERENCE.write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
