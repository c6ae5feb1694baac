"""A folder of results from someone else: nothing runs, leaks, or is written outside of it.

docs/explanation/security.md says what is trusted. Each row is a way in, and what meets it.
"""

import io
import json
import tarfile
import zipfile
from itertools import cycle
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sd4match.datasets.archives import extract
from sd4match.errors import SD4MatchError

from .cases import write
from .world import fork

pytestmark = pytest.mark.slow

SECRET = "hunter2"
NAMES = (
    "<script>stolen</script>",
    "x'); COPY (SELECT 1) TO 'stolen'; --",
    "\"; ATTACH 'stolen' AS stolen; --",
    "=cmd|'/c touch stolen'!A1",
    "$(touch stolen)`touch stolen`",
    "../../stolen",
)
SMALL, SEARCHED = "results/small", "results/searched"
STATUS, BEST = ("status", "small"), ("best", "small", "--top", "3")
REPORT = ("report", "small")
EXPORT = ("export", "small", "--format", "csv", "--out", "exported")
QUERY = ("query", "small", "SELECT * FROM configurations JOIN scores USING (configuration)")
PLOT, HISTORY = ("plot", "small", "layer"), ("plot", "searched", "history")
LINK, CUT = "is a link out of the folder of results", "cannot be read"


def link(name):
    def damage(world):
        (world / SMALL / name).unlink(missing_ok=True)
        (world / SMALL / name).symlink_to(world / "outside" / "secret")

    return damage


def linked_folder(name):
    return lambda world: (world / SMALL / name).symlink_to(world / "outside")


def holding(file, content):
    return lambda world: write(world / file, content)


def changed_json(file, **changes):
    def damage(world):
        found = json.loads((world / file).read_text())
        write(world / file, json.dumps({**found, **changes}))

    return damage


def named(world):
    """Prompts with hostile names in the plan."""
    file = world / SMALL / "cells.parquet"
    table = pq.read_table(file)
    field = table.schema.field("prompt")
    keys = table["configuration"].to_pylist()
    names = dict(zip(dict.fromkeys(keys), cycle(NAMES), strict=False))
    column = pa.array([names[key] for key in keys], field.type)
    buffer = io.BytesIO()
    pq.write_table(table.set_column(table.column_names.index("prompt"), field, column), buffer)
    write(file, buffer.getvalue())


TRIES: dict[str, Any] = {
    **{f"link {name}": (link(name), [STATUS], LINK)
       for name in ("study.json", "study.yaml", "cells.parquet", "failures.json",
                    "provenance.json", "search.json")},
    "link journal": (
        lambda world: (
            (world / SEARCHED / "optuna.journal").unlink(),
            (world / SEARCHED / "optuna.journal").symlink_to(world / "outside" / "secret"),
        ), [HISTORY], LINK),
    "link figures": (linked_folder("figures"), [PLOT], LINK),
    "link report": (link("report.html"), [REPORT], LINK),
    "deep JSON": (holding(f"{SMALL}/study.json", "[" * 200_000), [STATUS], CUT),
    "deep provenance": (holding(f"{SMALL}/provenance.json", "[" * 200_000), [REPORT], "damaged"),
    "no Parquet": (holding(f"{SMALL}/cells.parquet", b"PAR1" * 99), [STATUS], CUT),
    "database": (
        changed_json(f"{SEARCHED}/search.json", storage="sqlite:///../../stolen"), [HISTORY], ""),
    "server": (
        changed_json(f"{SEARCHED}/search.json", storage="mysql://me@127.0.0.1:1/${oc.env:SECRET}"),
        [HISTORY], "not in the folder of results"),
    "journal elsewhere": (
        changed_json(f"{SEARCHED}/search.json", storage="../../outside/secret"), [HISTORY],
        "not in the folder of results"),
    "code in YAML": (
        holding(f"{SMALL}/study.yaml", "axes: !!python/object/apply:os.system ['touch stolen']"),
        [("plan", f"./{SMALL}/study.yaml")], "python/object"),
    "target in YAML": (
        holding(f"{SMALL}/study.yaml", "callbacks: [{_target_: os.system, command: touch stolen}]"),
        [("plan", f"./{SMALL}/study.yaml")], "callbacks[0]"),
    "names": (named, [BEST, REPORT, EXPORT, QUERY], None),
    "name": (changed_json(f"{SMALL}/study.json", name="".join(NAMES)), [STATUS, REPORT], None),
}  # fmt: skip


@pytest.fixture
def hostile(world, tmp_path, monkeypatch):
    """A copy of the world with a secret beside its results."""
    copy = fork(world, tmp_path / "copy")
    write(copy / "outside" / "secret", SECRET)
    monkeypatch.setenv("SECRET", SECRET)
    monkeypatch.setenv("MPLBACKEND", "agg")
    return copy


@pytest.mark.parametrize("way", TRIES)
def test_no_way_in(way, hostile, command):
    damage, commands, refused = TRIES[way]
    damage(hostile)
    outside = sorted((hostile / "outside").iterdir())
    for asked in commands:
        ended = command(hostile, "study", *asked)
        assert "Traceback" not in ended.err
        assert SECRET not in ended.out + ended.err
        if refused is None:
            assert ended.code == 0, ended.err
        elif refused:
            assert ended.code == 1
            assert refused in ended.err
            assert ended.err.count("\n") == 1
    assert sorted((hostile / "outside").iterdir()) == outside
    assert (hostile / "outside" / "secret").read_text() == SECRET
    assert not list(hostile.rglob("stolen*"))
    page = hostile / SMALL / "report.html"
    if page.is_file() and not page.is_symlink():
        assert "<script>stolen" not in page.read_text()
        assert SECRET not in page.read_text()
    for file in hostile.glob("exported/*.csv"):
        texts = pd.read_csv(file, dtype=str).stack()
        assert not texts.str.match("[=@\t\r]").any(), file


ARCHIVED = {"../stolen": None, "/tmp/stolen-by-tests": None, "in": "../../stolen", "a\\..\\b": None}


@pytest.mark.parametrize("name", ARCHIVED)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archives_stay_in_their_folder(kind, name, tmp_path):
    target = ARCHIVED[name]
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "a", "w") as archive:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o120777 if target else 0o100644) << 16
            archive.writestr(entry, target or "x")
    else:
        with tarfile.open(tmp_path / "a", "w") as tar:
            member = tarfile.TarInfo(name)
            member.type = tarfile.SYMTYPE if target else tarfile.REGTYPE
            member.linkname = target or ""
            tar.addfile(member)
    with pytest.raises(SD4MatchError, match="refused: its member"):
        extract(tmp_path / "a", tmp_path / "to")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "to"]
    assert not list((tmp_path / "to").iterdir())
