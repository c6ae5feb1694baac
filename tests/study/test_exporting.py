"""Views as files."""

import json

import pandas as pd
import pytest

from sd4match.errors import SD4MatchError
from study.analysis.sql.querying import FORMATS


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


def test_keypoints_only_when_asked_for(answered, tmp_path):
    (file,) = answered.export(tmp_path, views=["keypoints"])
    assert len(pd.read_parquet(file)) == len(answered.query("SELECT 1 FROM keypoints"))


def test_mistakes_leave_nothing(answered, tmp_path):
    with pytest.raises(SD4MatchError, match=r"unknown format 'xlsx'.*csv, parquet, json"):
        answered.export(tmp_path / "out", form="xlsx")
    with pytest.raises(SD4MatchError, match="unknown view 'score': did you mean 'scores'"):
        answered.export(tmp_path / "out", views=["score"])
    assert not (tmp_path / "out").exists()
