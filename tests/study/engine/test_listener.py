"""Listeners hear everything in order; the journal writes it down and stops nothing."""

import logging

from study.engine.listener import Journal, Listener, Listeners
from study.engine.work import Work
from study.store.study_folder import StudyFolder

WORK = Work("predict", "4f2a", "predict text t=50", ())


class Noting(Listener):
    def __init__(self, name, heard):
        self.name, self.heard = name, heard

    def event(self, event, work, message):
        self.heard.append((self.name, event, work.key, message))


def test_all_listeners_hear_an_event_in_order():
    heard = []
    Listeners(Noting("first", heard), Listener(), Noting("last", heard)).event("done", WORK, "2 s")
    assert heard == [("first", "done", "4f2a", "2 s"), ("last", "done", "4f2a", "2 s")]


def test_an_item_has_a_log_and_places_share_one(tmp_path):
    folder = StudyFolder(tmp_path / "small")
    journal = Journal(folder)
    journal.event("start", WORK, "")
    journal.event("failed", WORK, "Traceback\n  …\nOSError: truncated image")
    journal.event("lost", Work("place", "n1", "node 10.0.0.2", ()), "1 nodes now")
    first, *rest = folder.log("4f2a").read_text().splitlines()
    assert first.endswith("start   predict text t=50")
    assert rest[-1] == "OSError: truncated image"
    assert "lost    node 10.0.0.2: 1 nodes now" in folder.log("study").read_text()


def test_a_log_that_cannot_be_written_is_a_warning(tmp_path, caplog):
    folder = StudyFolder(tmp_path / "small")
    folder.log("4f2a").mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        Journal(folder).event("start", WORK, "")
    assert "4f2a.log" in caplog.text
