"""Which axes matter, in the report."""

import pytest

from study.report.content import collect
from study.report.influence import verdict
from study.report.writing import html
from study.study import open_study

from .conftest import SPACE

pytestmark = pytest.mark.slow


def test_axes_are_ranked_by_the_studys_importance(study, content):
    found = study.importance()
    assert [one.axes for one in content.ranking.influences] == [(axis,) for axis in found["axis"]]
    assert [one.value for one in content.ranking.influences] == found["value"].tolist()
    assert [section.axis for section in content.sections] == found["axis"].tolist()
    assert set(study.axes) == {"prompt", "timestep", "layer", "kernel"} == set(found["axis"])
    assert content.ranking.unit == "points"
    assert study.metric in content.ranking.what


def test_a_verdict_counts_the_values_that_differ(study, content):
    verdicts = {section.axis: section.verdict for section in content.sections}
    none = "of 1 other value, none differs significantly from the baseline on test"
    assert verdicts["timestep"] == verdict(study.table("timestep").raw)
    raw = study.table("timestep").raw.assign(mark="*", effect=-0.1)
    assert verdict(raw) == "of 1 other value, 1 worse than the baseline on test"
    assert "1 better" in verdict(raw.assign(effect=0.1))
    assert verdict(raw.assign(mark="")) == none
    assert verdict(raw.assign(verdict="equivalent")) == f"{none}; 1 equivalent somewhere"


def test_interactions_are_named_by_both_axes(make_study):
    crossed = make_study(SPACE.split("axes")[0] + "axes: {timestep: [50, 261], layer: [0, 1]}",
                         "design=factorial")  # fmt: skip
    report = collect(open_study(crossed))
    assert ("timestep", "layer") in {one.axes for one in report.ranking.influences}
    assert report.ranking.unit == "%"
    page = html(report)
    assert "timestep t × UNet layer" in page
    assert "Share of variance" in page
