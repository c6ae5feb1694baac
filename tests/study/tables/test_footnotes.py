"""What the notes below a table say."""

import pytest

from study.tables.layout import Layout
from study.tables.status import status_report


def key_of(study, **settings):
    rows = study.configurations()
    base = rows.loc[study.baseline]
    for name, value in {"layer": base["layer"], "kernel": base["kernel"], **settings}.items():
        rows = rows[rows[name] == value]
    (key,) = rows.index
    return key


def test_footnotes_say_what_was_measured_and_by_which_code(answered):
    notes = " ".join(answered.pivot(Layout(("layer",))).footnotes)
    index = answered.index
    shown = index["configuration"] == key_of(answered, prompt="single", layer=1)
    used = index.loc[shown & (index["split"] == "test"), "predict"]
    for part in ("Training: t = 261, layer 1", "protocol sd4match", "kept at the baseline",
                 "Study answered, sd4match-study", *(record[:10] for record in used)):  # fmt: skip
        assert part in notes


@pytest.mark.slow
def test_a_mix_of_kinds_of_devices_is_noted(mixed):
    def noted(stages):
        counts = f"processor of 11: {stages} stages; processor of 12: {stages} stages"
        return f"Computed on 2 kinds of devices ({counts}), which round differently"

    half = mixed.index["predict"].nunique() // 2
    overview, axis, alone = (
        mixed.table(), mixed.pivot(Layout(("timestep",))), mixed.pivot(Layout(("layer",))),
    )  # fmt: skip
    assert noted(half) in overview.footnotes[-1]
    assert noted(3) in axis.footnotes[-1]  # test splits alone
    assert "kinds of devices" not in " ".join(alone.footnotes)  # of one timestep
    facts, text = status_report(mixed.folder)
    assert facts["devices"] == {"processor of 11": half, "processor of 12": half}
    assert noted(half) in text
    stages = mixed.query("SELECT devices FROM stages WHERE kind = 'predict'")
    assert stages["devices"].value_counts().to_dict() == facts["devices"]
