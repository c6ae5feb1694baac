"""Where the report meets the rest of the package: figures, provenance, how to run it again."""

import io
import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

import matplotlib
import yaml
from matplotlib.figure import Figure

from sd4match.errors import SD4MatchError
from study import labels
from study.dotted import flatten
from study.study import Study

_NEUTRAL = {
    "#000000": "var(--ink)",
    "#262626": "var(--ink)",
    "#555555": "var(--muted)",
    "#e6e6e6": "var(--grid)",
    "#ffffff": "var(--surface)",
}
"""Colours of the page instead of those of paper, in figures of lines and letters only."""


@dataclass(frozen=True)
class Picture:
    """A figure as SVG, or why there is none.

    Attributes:
        name: of its file and of the ids in it.
        title: what it shows; also its text alternative.
        axis: the axis it belongs to; None for the whole study.
        svg: the file; None where nothing could be drawn.
        reason: then why.
    """

    name: str
    title: str
    axis: str | None
    svg: str | None
    reason: str = ""


def pictures(study: Study) -> list[Picture]:
    """All figures that this study can show."""
    found = []
    alpha = study.rule.usual_alpha
    for axis in axes(study):
        title = f"PCK@{alpha:g} along {labels.axis(axis)}, with 95 % intervals"
        try:
            found.append(Picture(axis, title, axis, svg(study.plot(axis), salt=axis)))
        except SD4MatchError as error:
            found.append(Picture(axis, title, axis, None, str(error)))
    return found


def svg(figure: Figure, *, salt: str) -> str:
    """A figure as an SVG file with text as text; the same figure gives the same bytes."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": salt, "svg.fonttype": "none"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def inline(picture: Picture) -> str:
    """A picture's SVG for use inside a page: its ids are its own, its colours the page's.

    Pictures with pixels in them (heat maps, photographs) keep their colours and white ground.
    """
    assert picture.svg is not None
    body = picture.svg[picture.svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    prefix = re.sub(r"\W", "-", picture.name)
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r"url\(#", f"url(#{prefix}-", body)
    body = re.sub(r'href="#', f'href="#{prefix}-', body)
    if "<image" in body:
        return body
    for paper, page in _NEUTRAL.items():
        body = re.sub(rf"(fill|stroke): {paper}", rf"\1: {page}", body)
    # Letters have no colour of their own: black by default.
    return body.replace("<svg ", '<svg fill="currentColor" ', 1)


def reproduce(study: Study, configuration: str) -> list[tuple[str, str]]:
    """What to type: (purpose, command)."""
    written = dict(flatten(_space(study)["baseline"]))
    overrides = [
        f"baseline.{name}={_quoted(value)}"
        for name, value in settings(study)[configuration].items()
        if value is not None and value != written.get(name)
    ]
    file = f"{study.folder.path.parent.name}/{study.name}/study.yaml"
    alone = [f"name={study.name}-best", "design=one_at_a_time", "tie=false", "~axes", *overrides]
    return [
        (
            "The whole study; what its store holds is not computed again:",
            shlex.join(["study", "launch", file]),
        ),
        ("The best configuration alone:", shlex.join(["study", "launch", file, *alone])),
    ]


def _quoted(value: labels.Value) -> str:
    """A value as Hydra reads it: words with blanks or braces want quotes."""
    text = str(value)
    return text if re.fullmatch(r"[\w.+-]+", text) else json.dumps(text, ensure_ascii=False)


def provenance(study: Study) -> list[tuple[str, str]]:
    """What the numbers came from: (name, value)."""
    facts = study.folder.facts
    data = study.index.drop_duplicates(["dataset", "split"])
    return [
        ("design", str(facts["design"])),
        ("machine", str(facts["machine"])),
        *((f"version of {name}", str(found)) for name, found in facts["versions"].items()),
        *(
            (f"data {dataset}/{split}", f"{pairs:,} pairs, fingerprint {fingerprint[:16]}")
            for dataset, split, pairs, fingerprint in data[
                ["dataset", "split", "pairs", "data"]
            ].itertuples(index=False)
        ),
    ]


def settings(study: Study) -> dict[str, dict[str, labels.Value]]:
    """The axes of every configuration; None where one means nothing."""
    table = study.configurations().astype(object)
    rows = table.where(table.notna(), None).to_dict("index")
    return {str(key): {str(axis): v for axis, v in row.items()} for key, row in rows.items()}


def axes(study: Study) -> list[str]:
    """The axes that can be compared; none while a search has not measured its baseline."""
    return study.axes if study.baseline in settings(study) else []


def baseline(study: Study, like: str) -> dict[str, labels.Value]:
    """The baseline's settings; unknown where it is not measured yet and ``like`` may differ."""
    table = settings(study)
    return table.get(study.baseline) or {**table[like], **dict.fromkeys(asked(study))}


def asked(study: Study) -> dict[str, list[labels.Value]]:
    """The axes that were asked for, and their values, as the search space says."""
    return {
        name: values if isinstance(values, list) else [values]
        for name, values in flatten(_space(study)["axes"])
    }


def subset(study: Study) -> dict[str, Any]:
    """Where the data sets are and which pairs were drawn, as `study.data.refer` takes it."""
    data = _space(study)["data"]
    return {"root": data["root"], "subset": data["pairs"], "seed": data["seed"]}


def space_text(study: Study) -> str:
    """The search space, whole."""
    return (study.folder.path / "study.yaml").read_text(encoding="utf-8")


def _space(study: Study) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(space_text(study))
    return content
