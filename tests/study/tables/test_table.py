"""A table in every format."""

import io
import re
from dataclasses import replace

import pandas as pd

from study.tables.table import BEST, SECOND, Table, marks

TABLE = Table(
    "Ablation of a_b & <c>",
    pd.DataFrame({"prompt|x": ["[a_1]", "b%"], "PCK": ["57.2 [51, 63]\n−1.0 *", "–ᵃ"]}),
    pd.DataFrame({"pck": [0.572]}),
    ("ᵃ missing: <b>why</b> & 5 %.", "[95 %] where p < 0.05."),
    {(0, 1): BEST},
)


def test_html_is_escaped_and_marked():
    text = TABLE.html()
    assert "<td><b>57.2</b> [51, 63]<br>−1.0 *</td>" in text
    assert "<caption>Ablation of a_b &amp; &lt;c&gt;</caption>" in text
    assert "ᵃ missing: &lt;b&gt;why&lt;/b&gt; &amp; 5 %." in text
    assert text.count("<tr>") == 4


def test_latex_is_ascii_with_booktabs_and_marks():
    text = TABLE.latex()
    assert text.isascii()
    for rule in ("toprule", "midrule", "bottomrule"):
        assert text.count(f"\\{rule}") == 1
    assert r"\hline" not in text
    assert r"\textbf{57.2} {[}51, 63]" in text
    assert r"$-$1.0 *" in text
    assert r"{[}a\_1]" in text
    assert r"prompt\textbar{}x" in text
    assert not re.search(r"(\\\\|rule)\s*\[", text)  # would be read as an option
    assert r"b\%" in text
    assert r"--\textsuperscript{a}" in text
    assert r"\caption{Ablation of a\_b \& $<$c$>$}" in text
    assert r"5 \%." in text


def test_markdown_is_marked():
    text = TABLE.markdown()
    assert "**57.2** [51, 63]<br>−1.0 *" in text
    assert "- ᵃ missing: &lt;b>why&lt;/b> & 5 %." in text
    assert "where p < 0.05" in text
    assert "| prompt\\|x" in text


def test_marks_compare_what_is_shown():
    values = [0.5, 0.50001, 0.4, None, float("nan")]
    assert marks({(row, 2): value for row, value in enumerate(values)}) == {
        (0, 2): BEST, (1, 2): BEST, (2, 2): SECOND,
    }  # fmt: skip
    assert marks({(0, 0): 0.5}) == {}


def test_csv_has_no_formulas_and_every_number():
    raw = pd.DataFrame(
        {"prompt": ["=1+1", "+a", "-a", "@SUM(A1)", "\ta", "\ra", "a=1", None],
         "pck": [-0.5, 1e-9, -1.0, 0.0, 0.25, 0.5, 0.75, float("nan")], "=head": range(-4, 4)},
    )  # fmt: skip
    text = replace(TABLE, raw=raw).csv()
    read = pd.read_csv(io.StringIO(text, newline=""), lineterminator="\n")
    expected = ["'=1+1", "'+a", "'-a", "'@SUM(A1)", "'\ta", "'\ra", "a=1"]
    assert read["prompt"].tolist()[:7] == expected
    assert read["pck"].tolist()[:7] == raw["pck"].tolist()[:7]
    assert read["'=head"].tolist() == list(range(-4, 4))
