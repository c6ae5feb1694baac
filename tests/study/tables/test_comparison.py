"""The comparison of two studies, in words and as plain values."""

import json

import pytest

from study.tables.comparison import comparison_facts, comparison_report


@pytest.mark.slow
def test_the_report_shows_each_difference_with_its_interval(answered):
    a, b = answered.baseline, answered.best(where="prompt = 'empty'").name
    found = answered.compare(answered, configurations=(a, b))
    text = comparison_report(answered, answered, found)
    assert f"answered:{b} minus answered:{a}, PCK@0.1 in percentage points" in text
    assert text.count(f"{a} → {b}") == len(found.differences)


def test_plain_values_have_no_nan(answered):
    facts = comparison_facts(answered.compare(answered))
    json.dumps(facts, allow_nan=False, default=str)
    assert facts["only"] == {"a": [], "b": []}
    assert {row["note"] for row in facts["differences"]} >= {"the same predictions"}
