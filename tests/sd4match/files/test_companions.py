from pathlib import Path

from sd4match.files.companions import without_companions


def test_companions_are_left_out():
    files = [Path("a/._b.json"), Path("a/b.json"), Path("._a/c"), Path(".d"), Path("e._f")]
    assert list(without_companions(files)) == [Path("a/b.json"), Path("._a/c"), Path(".d"),
                                               Path("e._f")]  # fmt: skip
