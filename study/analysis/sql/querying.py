"""Read-only SQL over a study's views, and their export to files."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pandas as pd
from pandas.api.types import is_object_dtype

from sd4match.errors import SD4MatchError, require_known
from sd4match.files.atomic import atomic_path
from study.analysis.results import Results
from study.analysis.rows import FORMULAS
from study.analysis.sql.views import VIEWS, Views, views_of


def query(sql: str, views: Views) -> pd.DataFrame:
    """Answer an SQL query with DuckDB.

    Args:
        sql: one SELECT; it can read ``views`` and nothing else.
        views: name to how it is made.

    Returns:
        The rows.

    Raises:
        SD4MatchError: the query is wrong; the message is DuckDB's first line and the names of the
            views.
    """
    with _database(sql, views) as database:
        answer: pd.DataFrame = database.sql(sql).df()
        return answer


def copy(sql: str, views: Views, target: str, form: str) -> None:
    """Write a query's answer to a file, without holding it in memory.

    Args:
        sql, views: as for `query`.
        target: the file.
        form: ``csv``, ``parquet`` or ``json``.

    Raises:
        SD4MatchError: as `query`.
    """
    with _database(sql, views, writes=target) as database:
        # The target is a temporary file of ours already, and DuckDB may write no other.
        if form == "csv":
            sql = _without_formulas(database, sql)
        options = f"FORMAT {form}, USE_TMP_FILE false" + (", ARRAY true" if form == "json" else "")
        database.execute(f"COPY ({sql}) TO {_quoted(target)} ({options})")


@contextmanager
def _database(
    sql: str, views: Views, writes: str | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database that holds the views that a query reads, and can read nothing else."""
    try:
        with duckdb.connect() as database:
            # DuckDB can list a query's tables, but not of every query that it can answer.
            words = set(re.findall(r"\w+", _one_select(sql).lower()))
            made = {name: views[name]() for name in views if name in words}
            files = sorted({file for view in made.values() for file in view.files})
            for name, view in made.items():
                for part, frame in view.frames.items():
                    # Text with missing values is an object to pandas; DuckDB wants to know.
                    database.register(part, _with_text(frame))
                database.execute(f'CREATE VIEW "{name}" AS {view.sql}')
            allowed = ", ".join(map(_quoted, [*files, *([writes] if writes else [])]))
            database.execute(f"SET allowed_paths = [{allowed}]")
            database.execute("SET enable_external_access = false")
            database.execute("SET lock_configuration = true")
            yield database
    except duckdb.Error as error:
        first = str(error).strip().splitlines()[0]
        raise SD4MatchError(
            f"query: {first}; views: {', '.join(views)}; `study query NAME --schema` lists columns"
        ) from None


def _without_formulas(database: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The same query whose texts no spreadsheet reads as formulas; see `no_formulas`."""
    answer = database.sql(sql)
    columns = []
    for name, kind in zip(answer.columns, answer.types, strict=True):
        column = '"' + name.replace('"', '""') + '"'
        if str(kind).startswith(("VARCHAR", "ENUM")):
            starts = ", ".join(f"chr({ord(sign)})" for sign in FORMULAS)
            safe = f"CASE WHEN left({column}, 1) IN ({starts}) THEN chr(39) || {column} ELSE "
            columns.append(f"{safe}{column} END AS {column}")
        else:
            columns.append(column)
    return f"SELECT {', '.join(columns)} FROM ({sql})"


def _one_select(sql: str) -> str:
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise duckdb.Error("expected one SELECT: a study can only be read")
    return sql


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _with_text(frame: pd.DataFrame) -> pd.DataFrame:
    objects = [name for name in frame if is_object_dtype(frame[name])]
    return frame.astype(dict.fromkeys(objects, "string"))


FORMATS = ("csv", "parquet", "json")
USUAL = tuple(name for name in VIEWS if name != "keypoints")
"""All views but the predicted keypoints, which may be a thousand times larger than the rest."""


def export(
    study: Results, folder: Path, *, form: str = "parquet", views: Sequence[str] = USUAL
) -> list[Path]:
    """Write views to a folder, a file each; rows are in the order of the study.

    Args:
        study: the study.
        folder: made when missing; files of the same names are replaced.
        form: one of `FORMATS`; JSON is an array of objects.
        views: names in `study.analysis.sql.views.VIEWS`.

    Returns:
        The files.

    Raises:
        SD4MatchError: an unknown format or view, or the folder cannot be written to.
    """
    require_known(form, FORMATS, what="format", where="--format")
    for name in views:
        require_known(name, VIEWS, what="view", where="--view")
    written = []
    for name in views:
        file = folder / f"{name}.{form}"
        with atomic_path(file) as temporary:
            copy(f"SELECT * FROM {name}", views_of(study), str(temporary), form)
        written.append(file)
    return written
