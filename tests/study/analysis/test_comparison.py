"""Two studies, or two configurations, side by side."""

import pytest

from sd4match.errors import SD4MatchError
from study.analysis.statistics.stats import difference, holm
from study.tables.comparison import comparison_report

pytestmark = pytest.mark.slow

TEXT = """
baseline: {backbone: nano, prompt: single, length: 4, ensemble: 1, kernel: 3}
axes: {prompt: [empty], layer: [0, 2]}
"""


def test_configurations_of_one_study_are_paired(answered):
    a, b = answered.baseline, answered.best(where="prompt = 'empty'").name
    found = answered.compare(answered, configurations=(a, b))
    assert found.settings == [("prompt", "single", "empty")]  # those of training do not apply
    for row in found.differences.to_dict("records"):
        where = (row["dataset"], row["split"], 0.1)
        wanted = difference(answered.samples(b, *where), answered.samples(a, *where))
        bounds = [wanted.effect, wanted.low, wanted.high]
        assert [row["effect"], row["low"], row["high"]] == pytest.approx(bounds, nan_ok=True)
        assert row["effect"] == pytest.approx(row["pck_b"] - row["pck_a"])
    assert len(found.differences) == 5
    text = comparison_report(answered, answered, found)
    assert f"answered:{b} minus answered:{a}" in text


def test_studies_share_records_and_differ_in_what_they_ask(answered, study_of):
    other = study_of("other", TEXT, "protocol=dift")
    found = answered.compare(other)
    assert ("protocol", "sd4match", "dift") in found.settings
    shared = set(answered.configurations().index) & set(other.configurations().index)
    assert set(found.differences["a"]) == shared
    assert [len(keys) for keys in found.only] == [
        len(study.configurations()) - len(shared) for study in (answered, other)
    ]
    # Another protocol: not the same number.
    assert found.differences["note"].isna().all()
    assert found.differences["p_value"].notna().all()
    for _, column in found.differences.groupby(["dataset", "split"]):  # as a column of a table
        assert len(column) == len(shared) > 1
        assert column["p_holm"].tolist() == pytest.approx(
            holm(column["p_value"].tolist()).tolist(), nan_ok=True
        )
        assert column["mark"].tolist() == ["*" if p < 0.05 else "" for p in column["p_holm"]]
    assert set(found.differences["verdict"]) == {""}
    same = answered.under(margin=0.01).compare(other.under("sd4match"))
    assert set(same.differences["verdict"]) == {"equivalent"}
    assert "Margin 1 point: equivalent" in comparison_report(answered, other, same)
    assert set(same.differences["note"]) == {"the same predictions"}
    assert (same.differences["effect"] == 0).all()
    assert same.differences["p_holm"].isna().all()  # nothing was tested
    assert "only in answered" in comparison_report(answered, other, found)
    alike = comparison_report(answered, answered, answered.compare(answered))
    assert alike.startswith("answered minus answered, PCK@0.1")


def test_other_pairs_are_no_difference(answered, study_of):
    fewer = study_of("fewer", TEXT, "data.pairs=5")
    found = answered.compare(fewer)
    assert set(found.differences["note"]) == {"other pairs or images"}
    assert "effect" not in found.differences
    assert ("data.pairs", None, 5) in found.settings
    assert "not comparable with answered" in comparison_report(answered, fewer, found)


def test_nothing_in_common_and_unknown_keys_are_said(answered, study_of):
    alone = study_of("alone", "{baseline: {prompt: empty, ensemble: 3}, data: {evaluate: [spair]}}")
    with pytest.raises(SD4MatchError, match="no configuration in common"):
        answered.compare(alone)
    with pytest.raises(SD4MatchError, match=r"study answered: unknown configuration 'nothing'"):
        answered.compare(alone, configurations=("nothing", alone.baseline))
    pascal = study_of("pascal", "{baseline: {prompt: empty}, data: {evaluate: [pf_pascal]}}")
    with pytest.raises(SD4MatchError, match="no data set and split in common"):
        alone.compare(pascal, configurations=(alone.baseline, pascal.baseline))
