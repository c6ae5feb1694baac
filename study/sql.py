"""SQL over a study's answers, read-only."""

import duckdb
import pandas as pd

from sd4match.errors import SD4MatchError


def query(sql: str, **views: pd.DataFrame) -> pd.DataFrame:
    """Answer an SQL query with DuckDB.

    Args:
        sql: the query; it can read ``views`` and nothing else.
        views: name to table.

    Returns:
        The rows.

    Raises:
        SD4MatchError: the query is wrong; the message is DuckDB's first line.
    """
    with duckdb.connect() as database:
        for name, frame in views.items():
            # Text columns of mixed missing values are objects to pandas; DuckDB wants to know.
            database.register(name, frame.convert_dtypes())
        database.execute("SET enable_external_access = false")  # no files, no network
        try:
            answer = database.execute(sql)
            if answer is None:
                raise duckdb.Error("nothing is asked")
            return answer.df()
        except duckdb.Error as error:
            first = str(error).strip().splitlines()[0]
            raise SD4MatchError(f"query: {first}; views: {', '.join(views)}") from None
