"""SQL over a study's views reads only what it names, and changes nothing."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from study.analysis.sql import views
from study.analysis.sql.querying import FORMATS, copy
from study.analysis.sql.views import View


def test_a_query_reads_only_what_it_names(answered, monkeypatch):
    def refuse(*_):
        raise AssertionError("built a view that nobody asked for")

    monkeypatch.setattr(views, "keypoints", refuse)
    monkeypatch.setattr(views, "stages", refuse)
    assert len(answered.query("SELECT * FROM scores")) == len(answered.cells)
    with pytest.raises(AssertionError, match="nobody asked"):
        answered.query("SELECT * FROM keypoints")


@pytest.mark.slow
@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT * FROM keypoints) TO 'stolen.csv'",
        "SELECT 1; SELECT 2",
        "DELETE FROM scores",
        "SELECT * FROM keypoints, read_csv('/etc/passwd')",
        "SELECT nothing FROM scores",
    ],
)
def test_a_query_that_does_more_than_read_is_refused(answered, sql):
    with pytest.raises(SD4MatchError, match=r"query: .*views: configurations, .*--schema") as error:
        answered.query(sql)
    assert "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_files_hold_what_a_query_answers(answered, tmp_path, form):
    files = answered.export(tmp_path / "out", form=form)
    names = ["configurations", "scores", "trials", "stages"]
    assert [file.name for file in files] == [f"{name}.{form}" for name in names]
    assert sorted(files) == sorted((tmp_path / "out").iterdir())
    wanted = answered.query("SELECT * FROM scores")
    read = {
        "csv": pd.read_csv,
        "parquet": pd.read_parquet,
        "json": lambda f: json.loads(f.read_text()),
    }
    found = pd.DataFrame(read[form](files[1]))
    assert list(found) == list(wanted)
    assert found["configuration"].tolist() == wanted["configuration"].tolist()
    assert found["pck"].astype(float).to_numpy() == pytest.approx(
        wanted["pck"].to_numpy(), nan_ok=True
    )


def test_exported_csv_has_no_formulas_and_every_number(tmp_path):
    made = pd.DataFrame({"of 'x'": ["=1+1", "-a", "\ta", "a-1", None], "pck": [-1.0, 0, 1, 2, 3]})
    views = {"scores": lambda: View("SELECT * FROM part", {"part": made})}
    copy("SELECT * FROM scores", views, str(tmp_path / "scores.csv"), "csv")
    read = pd.read_csv(tmp_path / "scores.csv")
    assert read.iloc[:, 0].tolist()[:4] == ["'=1+1", "'-a", "'\ta", "a-1"]
    assert read["pck"].tolist() == made["pck"].tolist()


@pytest.mark.slow
def test_keypoints_only_when_asked_for(answered, tmp_path):
    (file,) = answered.export(tmp_path, views=["keypoints"])
    assert len(pd.read_parquet(file)) == len(answered.query("SELECT 1 FROM keypoints"))


def test_mistakes_leave_nothing(answered, tmp_path):
    with pytest.raises(SD4MatchError, match=r"unknown format 'xlsx'.*csv, parquet, json"):
        answered.export(tmp_path / "out", form="xlsx")
    with pytest.raises(SD4MatchError, match="unknown view 'score': did you mean 'scores'"):
        answered.export(tmp_path / "out", views=["score"])
    assert not (tmp_path / "out").exists()


DOCUMENTED = ("README.md", "docs/tutorial.md", "study/commands/ask.py")


@pytest.mark.slow
@pytest.mark.parametrize("page", DOCUMENTED)
def test_the_numbers_of_documented_queries_are_those_of_the_best(answered, page):
    text = (Path(__file__).parents[4] / page).read_text(encoding="utf-8")
    (sql,) = re.findall(r'study query \w+ "(SELECT \w+, max\(pck\)[^"]+)"', text)
    dataset = re.search(r"dataset = '(\w+)'", sql)[1]
    answer = answered.query(" ".join(sql.split()))
    assert len(answer) > 1
    for value, pck in answer.itertuples(index=False, name=None):
        where = f"{answer.columns[0]} = '{value}'"
        best = answered.best(metric=f"{dataset}/val/pck@0.1", where=where)
        assert pck == pytest.approx(best.iloc[-1], abs=1e-12)
