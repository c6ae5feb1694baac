"""Reading lists of pairs from CSV files, with errors that name the file and the line."""

import csv
import io
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sd4match.errors import SD4MatchError


@dataclass(frozen=True)
class Row:
    """One line of a CSV file: column name -> text."""

    path: Path
    line: int
    values: Mapping[str, str | None]

    @property
    def where(self) -> str:
        """The file and the line, for errors."""
        return f"{self.path}, line {self.line}"

    def text(self, column: str) -> str:
        """The value in a column.

        Raises:
            SD4MatchError: the line is too short, or the value is empty.
        """
        value = (self.values[column] or "").strip()
        if not value:
            raise SD4MatchError(f"{self.where}: expected a value in column '{column}'")
        return value

    def number(self, column: str) -> float:
        """The finite number in a column.

        Raises:
            SD4MatchError: the value is something else.
        """
        value = self.text(column)
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise SD4MatchError(
                f"{self.where}: expected a number in column '{column}', found '{value}'"
            )
        return number

    def integer(self, column: str, low: int, high: int) -> int:
        """The integer from ``low`` to ``high`` in a column.

        Raises:
            SD4MatchError: the value is something else.
        """
        value = self.text(column)
        # int() alone would take "1_0" and the digits of any script.
        if value.isascii() and value.isdigit() and low <= int(value) <= high:
            return int(value)
        raise SD4MatchError(
            f"{self.where}: expected an integer from {low} to {high} in column '{column}', "
            f"found '{value}'"
        )


def read_table(path: Path, columns: Collection[str]) -> list[Row]:
    """Read a CSV file with a header line; further columns are allowed.

    Args:
        path: the file.
        columns: the columns it must have, in any order.

    Returns:
        Its lines in file order, without empty ones.

    Raises:
        SD4MatchError: it is missing, not CSV text, lacks a column or has no line.
    """
    text = read_text(path)
    try:
        reader = csv.DictReader(io.StringIO(text), strict=True)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise SD4MatchError(
                f"{path}: missing column {', '.join(repr(name) for name in missing)}; "
                f"expected a header line with {_abridged(columns)}"
            )
        rows = [Row(path, reader.line_num, values) for values in reader]
    except csv.Error as error:
        raise SD4MatchError(f"{path}: expected CSV text, but {error}") from error
    if not rows:
        raise SD4MatchError(f"{path}: expected a line for each pair, found none; fetch it again")
    return rows


def read_text(path: Path) -> str:
    """Read a text file (UTF-8, with or without a byte order mark).

    Raises:
        SD4MatchError: it is missing or not text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SD4MatchError(f"{path}: missing file; the data set is incomplete") from error
    except UnicodeDecodeError as error:
        raise SD4MatchError(f"{path}: expected text, found other bytes; fetch it again") from error
    except OSError as error:
        raise SD4MatchError(f"{path}: cannot be read: {error.strerror}") from error


def _abridged(names: Collection[str]) -> str:
    listed = list(names)
    return ", ".join(listed if len(listed) <= 6 else [*listed[:4], "...", listed[-1]])
