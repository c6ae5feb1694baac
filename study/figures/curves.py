"""Figure of the learning curves of prompts: loss and validation PCK by step."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sd4match.errors import SD4MatchError
from sd4match.records.parquet import read
from study.analysis.results import Results
from study.analysis.rows import none_for_na
from study.figures import page
from study.figures.kind import Kind, Names
from study.figures.measured import closing
from study.space import labels
from study.space.axes import AXES, OWN, SEED, TRAINED_ON

_MOST = 10  # lines that can be distinguished
_TUNED = [
    name for name, axis in AXES.items() if axis.cost == "tune" and name not in ("train.data", SEED)
]


@page.styled
def curves(found: pd.DataFrame) -> Figure:
    """Loss above, validation PCK below; one column per training data set, one line per prompt.

    Args:
        found: one row per epoch of a tuning: ``data`` (its training data set), ``label`` (in what
            it differs from the others on that data), ``step, loss, val_pck``.

    Returns:
        The figure. More prompts than colors share the color of their label's beginning.
    """
    data = list(dict.fromkeys(found["data"]))
    names = list(dict.fromkeys(found["label"]))
    crowded = len(names) > _MOST
    # Of very many, the first setting (the prompt's family, usually) gives the color.
    group = {name: name.split(", ")[0] if crowded else name for name in names}
    styles: dict[str, dict[str, Any]] = {
        name: {"color": page.PALETTE[i % 10], "marker": "" if crowded else page.MARKERS[i % 10]}
        for i, name in enumerate(dict.fromkeys(group.values()))
    }
    figure, panels = page.page(
        2 * len(data),
        height=3.4,
        titles=[f"learned on {labels.dataset(name)}" for name in data],
        columns=len(data),
    )
    if len(data) == 1:
        figure.set_figwidth(page.COLUMN)
    for i, panel in enumerate(panels):
        part = found[found["data"] == data[i % len(data)]]
        measure = "loss" if i < len(data) else "val_pck"
        for name, rows in part.groupby("label", sort=False):
            panel.plot(
                rows["step"],
                rows[measure] * (1 if measure == "loss" else 100),
                markersize=3,
                linewidth=0.8 if crowded else 1.2,
                alpha=0.7 if crowded else 1.0,
                **styles[group[str(name)]],
            )
        panel.grid(visible=False, axis="x")
        panel.margins(x=0.03)
        if measure == "loss":
            panel.set_xticklabels([])
        else:
            panel.set_xlabel("step")
            page.limits(panel, "y")
    panels[0].set_ylabel("loss")
    panels[len(data)].set_ylabel("val. PCK@0.1 (%)")
    named = list(styles)[:_MOST]
    page.key(
        figure,
        [page.swatch(page.shortened(name, 44), markersize=3, **styles[name]) for name in named],
    )
    return figure


def tunings(study: Results) -> pd.DataFrame:
    """The learning curves of a study's prompts, as `curves` takes them; means over seeds."""
    rows = study.index[study.index["tune"].notna()].drop_duplicates("tune")
    data = [
        TRAINED_ON[dataset] if of == OWN else str(of)
        for dataset, of in zip(rows["dataset"], rows["train.data"], strict=True)
    ]
    settings = none_for_na(rows[[*_TUNED]])
    # Axes that only apply to some prompt families are left out, unless they vary.
    differ = [axis for axis in _TUNED if settings[axis].nunique() > 1] or ["prompt"]
    parts = []
    for (_, row), key, of in zip(settings.iterrows(), rows["tune"], data, strict=True):
        file = study.folder.store.curves(str(key))
        if not file.exists():
            continue
        own = {axis: row[axis] for axis in differ}
        # The family needs no axis name before it; the other settings do.
        first = [str(own.pop("prompt"))] if "prompt" in own else []
        rest = labels.settings(own)
        label = ", ".join([*first, *([rest] if rest else [])])
        parts.append(read(file).to_pandas().assign(label=label, data=of))
    columns = ["data", "label", "step", "loss", "val_pck"]
    if not parts:
        return pd.DataFrame(columns=columns)
    known = {name: i for i, name in enumerate(labels.DATASETS)}
    every = pd.concat(parts, ignore_index=True)[columns]
    found: pd.DataFrame = every.groupby(columns[:3], sort=False, as_index=False).mean()
    return found.sort_values("data", key=lambda d: d.map(known), kind="stable")


def _choices(study: Results) -> list[Names]:
    keys = study.index["tune"].dropna().unique()
    return [()] if any(study.folder.store.curves(str(key)).exists() for key in keys) else []


def _draw(study: Results, names: Names, alpha: float) -> Figure:
    found = tunings(study)
    if found.empty:
        raise SD4MatchError(f"study {study.name} has not learned any prompt yet")
    figure = curves(found)
    keys = study.index.loc[study.index["tune"].notna(), "configuration"].unique()
    page.note(figure, f"Loss and PCK by epoch. {closing(study, keys)}")
    return figure


KIND = Kind(
    name="curves",
    shows="learning curves",
    lacks="a prompt that was learned",
    choices=_choices,
    draw=_draw,
)
