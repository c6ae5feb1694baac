"""Trials as a table, from the record or from the copy in the study's folder."""

import json

import pytest
from pandas.testing import assert_frame_equal

from sd4match.errors import SD4MatchError
from study.search.trials import read
from study.study import open_study

SPACE = """
baseline: {prompt: empty, ensemble: 1}
axes: {timestep: [0, 50, 100], kernel: [3, 30]}
data: {evaluate: [pf_pascal], pairs: 4}
search: {sampler: random, samples: 2, seed: 3}
"""


@pytest.mark.slow
def test_a_database_is_opened_by_launches_only(searching, tmp_path, monkeypatch):
    """Its address, which holds a variable of the environment, is stored unresolved."""
    monkeypatch.setenv("PLACE", str(tmp_path))
    searching.launch(SPACE)
    from_journal, _ = read(open_study(searching.folder / "results" / "mine"))
    searching.launch(SPACE, "search.storage=sqlite:///${oc.env:PLACE}/search.db")
    (tmp_path / "search.db").rename(tmp_path / "gone.db")
    study = open_study(searching.folder / "results" / "mine")
    assert_frame_equal(read(study)[0], from_journal)
    for name in ("search.json", "study.yaml"):
        text = (study.folder.path / name).read_text()
        assert "sqlite:///${oc.env:PLACE}/search.db" in text
    assert not (tmp_path / "search.db").exists()


@pytest.mark.slow
def test_a_damaged_copy_is_one_line(searching, tmp_path):
    searching.launch(SPACE, f"search.storage={tmp_path / 'elsewhere.journal'}")
    study = open_study(searching.folder / "results" / "mine")
    file = study.folder.path / "search.json"
    facts = json.loads(file.read_text())
    assert len(read(study)[0]) == len(facts["trials"]) > 0
    for broken in ({**facts["trials"][0], "values": "x"}, {}, None):
        file.write_text(json.dumps({**facts, "trials": [broken]}))
        with pytest.raises(SD4MatchError, match="keeps no copy: launch the study"):
            read(study)
