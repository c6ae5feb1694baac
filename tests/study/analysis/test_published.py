"""Properties of the published rows, and some known numbers."""

from collections import Counter
from dataclasses import fields

import pytest

from study.analysis.published import COMPLETE, PUBLISHED, Published, curves
from study.space.axes import AXES
from study.space.labels import DATASETS


def of(method, dataset="spair", average="image", supervision=None, backbone=None):
    """Alpha to PCK of a method's results for all categories."""
    rows = [
        row
        for row in PUBLISHED
        if (row.method, row.dataset, row.average) == (method, dataset, average)
        and supervision in (None, row.supervision)
        and backbone in (None, row.backbone)
        and not row.axis
        and not row.category
    ]
    return {row.alpha: row.pck for row in rows}


def test_every_row_is_complete_and_in_range():
    for row in PUBLISHED:
        assert row.method
        assert row.supervision in ("zero-shot", "weak", "supervised")
        assert row.dataset in {*DATASETS, "spair_u"}
        assert row.subset
        assert row.average in ("image", "point", "unknown")
        assert row.alpha in (0.01, 0.05, 0.1, 0.15, 0.2)
        assert 1 < row.pck < 100
        assert row.evidence in ("first-hand", "second-hand")
        work, colon, place = row.source.partition(": ")
        assert work and colon and len(place) > 10, row.source  # noqa: PT018
        assert "same" not in row.source.split()
        assert row.resolution in ("", "original size") or int(row.resolution) in range(128, 2048)


def test_nothing_stands_twice():
    known = [
        (*(getattr(row, f.name) for f in fields(Published) if f.name not in ("pck", "note")),)
        for row in PUBLISHED
    ]
    assert not [key for key, count in Counter(known).items() if count > 1]
    # A cell of a table has one number, whatever the source.
    cells = Counter(
        (row.method, row.setting, row.dataset, row.subset, row.alpha, row.category)
        for row in PUBLISHED
        if row.average == "image"
    )
    assert set(cells.values()) == {1}


def test_pck_grows_with_alpha():
    rows = {}
    for row in PUBLISHED:
        key = (row.method, row.setting, row.dataset, row.average, row.source, row.category)
        if not row.axis:
            rows.setdefault(key, {})[row.alpha] = row.pck
    for found in rows.values():
        ordered = [found[alpha] for alpha in sorted(found)]
        assert ordered == sorted(ordered)


def test_what_others_print_is_second_hand():
    evidence = {(row.method, row.supervision, row.work): row.evidence for row in PUBLISHED}
    survey = {name: how for (name, _, work), how in evidence.items() if work == "the survey's page"}
    assert {name for name, how in survey.items() if how == "first-hand"} == {"Survey baseline"}
    geoaware = {name for (name, _, w), how in evidence.items()
                if w == "GeoAware-SC's page" and how == "first-hand"}  # fmt: skip
    assert all(name.startswith("GeoAware-SC") for name in geoaware)
    assert evidence["SD4Match-CPM", "supervised", "the survey's page"] == "second-hand"
    assert evidence["DIFT", "zero-shot", "CleanDIFT's repository"] == "second-hand"


def test_known_numbers():
    assert of("SD4Match-CPM") == {0.05: 59.5, 0.1: 75.5}
    assert of("SD4Match-CPM", "pf_pascal") == {0.05: 84.4, 0.1: 95.2, 0.15: 97.5}
    assert of("SD4Match-CPM", "pf_willow") == {0.05: 52.1, 0.1: 80.4, 0.15: 91.2}
    assert of("SD+DINO", "pf_pascal") == {0.05: 72.7, 0.1: 82.7, 0.15: 91.6}
    assert of("SD+DINO", "pf_pascal", "point") == {0.05: 73.0, 0.1: 86.1, 0.15: 91.1}
    assert of("SD+DINO", supervision="supervised") == {0.01: 9.6, 0.05: 57.7, 0.1: 74.6}
    assert of("GeoAware-SC pretrained on AP-10K") == {0.01: 22.0, 0.05: 75.3, 0.1: 85.6}
    assert of("DIFT") == {0.01: 7.2, 0.05: 39.7, 0.1: 52.9}
    assert of("MARCO", "spair_u") == {0.1: 67.5}


def test_the_best_on_spair():
    full = [row for row in PUBLISHED if row.dataset == "spair" and row.subset == COMPLETE]
    best = max((row for row in full if row.alpha == 0.1 and not row.category), key=lambda r: r.pck)
    assert (best.method, best.backbone, best.pck) == ("Survey baseline", "DINOv3", 90.6)


def test_categories_average_to_the_whole():
    parts = [row.pck for row in PUBLISHED if row.category]
    # Pairs count once, not categories, so the two differ a little.
    assert sum(parts) / len(parts) == pytest.approx(75.5, abs=0.5)
    assert len(parts) == 18


def test_curves_are_of_axes_and_found_by_data_set_and_alpha():
    of_axes = {row.axis for row in PUBLISHED} - {""}
    assert of_axes == {"timestep", "backbone", "image_size", "place"}
    assert of_axes <= set(AXES)
    timesteps = curves("timestep", "spair", 0.1)
    assert [row.value for row in timesteps["SD 2.1"]] == [0, 100, 200, 300, 400, 500, 600]
    assert max(row.pck for row in timesteps["SD 2.1"]) == 59.61
    assert [row.value for row in timesteps["CleanDIFT (no timestep)"]] == [None]
    assert (
        curves("backbone", "spair", 0.1)["Stable Diffusion (explicit caption)"][0].value
        == "SD-tiny"
    )
    assert not curves("timestep", "pf_pascal", 0.1)
    assert not curves("timestep", "spair", 0.05)
