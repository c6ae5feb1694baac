"""What `study gc` says: counts and sizes by kind."""

from study.store.garbage import Unneeded
from study.tables.garbage_report import garbage_report


def test_kinds_are_counted_and_summed():
    found = [
        Unneeded("predictions", "a", ("predict/a/1", "predict/a/2"), 3000),
        Unneeded("prompt", "b", ("tune/b/1",), 500),
        Unneeded("predictions", "c", ("predict/c/1",), 100),
    ]
    facts, text = garbage_report(found, removed=False)
    lines = text.splitlines()
    assert lines[2].split() == ["predictions", "2", "3.1", "kB"]
    assert lines[3].split() == ["prompt", "1", "500", "B"]
    assert lines[-1] == "`study gc --delete` removes 4 files, 3.6 kB"
    assert (facts["bytes"], facts["removed"], len(facts["found"])) == (3600, False, 3)
    assert garbage_report(found, removed=True)[1].endswith("removed 4 files, 3.6 kB")


def test_nothing():
    facts, text = garbage_report([], removed=True)
    assert facts["found"] == []
    assert text == "nothing: all that the store holds is needed by a study"
