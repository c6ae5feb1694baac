"""The words of tables and figures: the field's terms for data sets, axes, values and settings."""

from collections.abc import Iterable, Mapping

Value = str | int | float | None
Settings = Mapping[str, Value]
"""Axis to value; None where the axis means nothing."""

DATASETS = {"pf_pascal": "PF-Pascal", "pf_willow": "PF-Willow", "spair": "SPair-71k"}

AXES = {
    "prompt": "prompt",
    "template": "prompt text",
    "length": "prompt length (tokens)",
    "source": "content tokens from",
    "global_length": "global tokens G",
    "content_length": "content tokens C",
    "timestep": "timestep t",
    "layer": "UNet layer",
    "localizer": "localiser",
    "kernel": "kernel width σ (cells)",
    "temperature": "softmax temperature β",
    "ensemble": "ensemble size E",
    "fusion": "fused with",
    "image_size": "image size (px)",
    "train.timestep": "training timestep t",
    "train.layer": "training UNet layer",
    "train.kernel_size": "loss window (cells)",
    "train.data": "training data",
}

MISSING = "–"


def dataset(name: str) -> str:
    """A data set's name as papers write it."""
    return DATASETS.get(name, name)


def axis(name: str) -> str:
    """An axis in words, with its unit."""
    return AXES.get(name, name)


def value(raw: Value) -> str:
    """A setting's value; a dash where it means nothing."""
    return MISSING if raw is None else f"{raw:g}" if isinstance(raw, float) else str(raw)


def settings(row: Settings) -> str:
    """``prompt=single, length=75, …``: the axes that apply."""
    return ", ".join(f"{name}={value(raw)}" for name, raw in row.items() if raw is not None)


def training(rows: Iterable[Settings]) -> str:
    """How the prompts of these configurations were learned, in words."""
    every = list(rows)
    learned = [row for row in every if row["train.timestep"] is not None]
    if not learned:
        return "no training"

    def values(name: str) -> str:
        return ", ".join(dict.fromkeys(value(row[name]) for row in learned))

    data = values("train.data").replace("own", "each data set's own pairs")
    text = (
        f"t = {values('train.timestep')}, layer {values('train.layer')}, "
        f"loss window {values('train.kernel_size')}, on {data}"
    )
    rest = dict.fromkeys(str(row["prompt"]) for row in every if row not in learned)
    return f"{text}; no training for {', '.join(rest)}" if rest else text
