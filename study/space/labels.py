"""Words for people: data sets, axes, values, settings, numbers and durations."""

from collections.abc import Iterable, Mapping, Sequence

from sd4match.datasets.benchmarks import NAMES
from study.space.axes import Value as Value

Settings = Mapping[str, Value]
"""Axis -> value; None where the axis does not apply."""

_TITLES = {"pf_pascal": "PF-Pascal", "pf_willow": "PF-Willow", "spair": "SPair-71k"}
DATASETS = {name: _TITLES.get(name, name) for name in NAMES}
"""Every data set -> its name as papers write it, in the order of papers."""

AXES = {
    "prompt": "prompt",
    "template": "prompt text",
    "length": "prompt length (tokens)",
    "source": "content tokens from",
    "global_length": "global tokens G",
    "content_length": "content tokens C",
    "timestep": "timestep t",
    "layer": "UNet layer",
    "place": "place inside the layer",
    "localizer": "localizer",
    "kernel": "kernel width σ (cells)",
    "temperature": "softmax temperature β",
    "l2_normalize": "L2 normalization",
    "ensemble": "ensemble size E",
    "fusion": "fused with",
    "image_size": "image size (px)",
    "train.timestep": "training timestep t",
    "train.layer": "training UNet layer",
    "train.kernel_size": "loss window (cells)",
    "train.fusion": "training fused with",
    "train.l2_normalize": "L2 normalization in training",
    "train.data": "training data",
}

MISSING = "–"
MOST_VALUES = 20


def dataset(name: str) -> str:
    """A data set's name as papers write it."""
    return DATASETS.get(name, name)


def axis(name: str) -> str:
    """An axis in words, with its unit."""
    return AXES.get(name, name)


def value(raw: Value) -> str:
    """A setting's value; a dash where the axis does not apply."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return MISSING if raw is None else f"{raw:g}" if isinstance(raw, float) else str(raw)


def numeric(raw: object) -> bool:
    """Whether a setting's value is a number, not true or false."""
    return isinstance(raw, int | float) and not isinstance(raw, bool)


def values(several: Sequence[Value]) -> str:
    """An axis's values; of many, the first ones and the last."""
    texts = [value(raw) for raw in several]
    if len(texts) > MOST_VALUES:
        texts = [*texts[: MOST_VALUES - 1], f"… ({len(texts)} in all)", texts[-1]]
    return ", ".join(texts)


def settings(row: Settings) -> str:
    """``prompt=single, length=75, …``: the axes that apply."""
    return ", ".join(f"{name}={value(raw)}" for name, raw in row.items() if raw is not None)


def differing(rows: Iterable[Settings]) -> list[str]:
    """The settings in which some configurations differ.

    A setting that applies to some of them only, with one value, says no more than the setting that
    it depends on: ``template`` with ``prompt=text``.

    Args:
        rows: the settings of each; None where one does not apply.
    """
    values: dict[str, set[Value]] = {}
    for row in rows:
        for name, raw in row.items():
            values.setdefault(name, set()).add(raw)
    return [name for name, several in values.items() if len(several - {None}) > 1]


ONE_SEED = "One training seed: says nothing about other seeds."
"""Below every number of a learned prompt that was learned with one seed."""


def seeds_note(seeds: Sequence[int]) -> str:
    """The seeds that a number is the mean of, after a comma; nothing for one seed."""
    return f", mean over seeds {values(seeds)}" if len(seeds) > 1 else ""


def training(rows: Iterable[Settings]) -> str:
    """How the prompts of these configurations were learned, in words."""
    learned: list[Settings] = []
    read: list[Settings] = []
    rest: list[Settings] = []
    for row in rows:
        if row["train.timestep"] is not None:
            learned.append(row)
        elif row["train.data"] is not None:
            read.append(row)  # of prompt files only the training data are known
        else:
            rest.append(row)

    def seen(name: str, rows: list[Settings]) -> str:
        text = ", ".join(dict.fromkeys(value(row[name]) for row in rows))
        return text.replace("own", "each data set's own pairs") if name == "train.data" else text

    parts = []
    if learned:
        fusion = seen("train.fusion", learned)
        cosine = seen("train.l2_normalize", [r for r in learned if r["train.fusion"] != "dino"])
        more = f"fused with {fusion}, " if "dino" in fusion else ""
        more += f"L2 normalization {cosine}, " if "false" in cosine else ""
        parts.append(
            f"t = {seen('train.timestep', learned)}, layer {seen('train.layer', learned)}, "
            f"loss window {seen('train.kernel_size', learned)}, {more}"
            f"on {seen('train.data', learned)}"
        )
    if read:
        parts.append(f"{seen('prompt', read)} from files, on {seen('train.data', read)}")
    if rest:
        parts.append(f"no training for {seen('prompt', rest)}" if parts else "no training")
    return "; ".join(parts)


def several(number: int, what: str) -> str:
    """``1 result``, ``2,000 results``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """A share in percent; a dash where it is NaN."""
    return MISSING if share != share else f"{100 * share:.1f}"


def points(share: float) -> str:
    """A difference of shares in percentage points, with the unit."""
    return f"{100 * share:g} point{'' if share == 0.01 else 's'}"


def signed(share: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{100 * share:+.1f}".replace("-", "−")


def bounds(low: float, high: float) -> str:
    """An interval of shares in percent, after a space; nothing where it is NaN."""
    if low != low:
        return ""  # a single pair has no interval
    return f" [{100 * low:.1f}, {100 * high:.1f}]".replace("-", "−")


def listed(words: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def clock(seconds: float) -> str:
    """A time for people: ``42 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60:,} h {minutes % 60:02d} min"
