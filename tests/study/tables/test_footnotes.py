"""What the notes below a table say."""

from study.tables.layout import Layout


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
