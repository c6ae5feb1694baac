"""The record of where numbers come from is never in the way of a launch."""

import logging

import pytest

from sd4match.errors import SD4MatchError
from study.launch.provenance import Provenance, recorded
from study.plan.plan import Planner
from study.space.designs import configurations
from study.space.reading import load
from study.store.study_folder import StudyFolder

SPACE = """
design: factorial
baseline: {prompt: text, ensemble: 1, image_size: 32}
data: {evaluate: [pf_pascal], pairs: 2}
"""


@pytest.fixture
def launch(tmp_path, shapes_root):
    """A record, its study's folder, and a function that tells it of the plan."""
    (tmp_path / "mine.yaml").write_text(SPACE)
    here = [f"data.root={shapes_root}", f"results={tmp_path / 'results'}", "device=cpu"]
    space = load(str(tmp_path / "mine.yaml"), here)
    folder = StudyFolder.of(space)
    record = Provenance(space, folder, command=["study"], overrides=here)
    return record, folder, lambda: record.planned(Planner(space).plan(configurations(space)), [])


def test_a_record_that_cannot_be_written_is_told_once_and_at_the_end_an_error(launch, caplog):
    record, folder, planned = launch
    blocked = folder.path / "provenance.json"
    blocked.mkdir(parents=True)
    unwritable = pytest.raises(SD4MatchError, match=r"provenance\.json cannot be written")
    with unwritable, caplog.at_level(logging.WARNING), recorded(record):
        planned()
        record.write()  # while work goes on, that stops nothing
    assert [str(blocked) in message for message in caplog.messages] == [True]
    blocked.rmdir()
    record.close("finished")
    assert folder.read_provenance()["launches"][0]["outcome"] == "finished"


def test_why_a_launch_failed_is_told_without_passwords(launch):
    record, folder, planned = launch
    planned()
    with pytest.raises(ValueError, match="secret"), recorded(record):
        raise ValueError("no answer from redis://me:secret@host:6379")
    said = folder.read_provenance()["launches"][0]["outcome"]
    assert said == "failed: no answer from redis://me:***@host:6379"
