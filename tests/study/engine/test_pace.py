"""Items that take much longer than others of their kind."""

from study.engine.pace import LEAST, Pace
from study.engine.work import Work


def test_what_takes_much_longer_than_its_like_is_told_once():
    pace = Pace()
    works = [Work("predict", str(i), f"item {i}", ()) for i in range(5)]
    for i, work in enumerate(works[:3]):
        pace.heard(work, 0, "here")
        pace.heard(work, 5, "here")
        assert pace.end(work, 10.0 + i, well=True) == f"{10 + i}.0 s on here"
    assert pace.end(works[4], 100, well=False) == ""  # it never began
    pace.heard(works[3], 100, "there, process 7")
    assert list(pace.slow(100 + LEAST - 1)) == []
    assert list(pace.slow(100 + LEAST + 1)) == [
        (works[3], "runs for 121 s on there, process 7; others took 11 s")
    ]
    assert list(pace.slow(100 + LEAST + 50)) == []
