"""Parquet files of predictions: each is whole or not there, and says which settings it answers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sd4match.errors import SD4MatchError
from sd4match.files import seal
from sd4match.files.atomic import atomic_path
from sd4match.matching.readout import Readout, Setting

POSITIONS = ("x", "y")


def write(
    table: pa.Table,
    file: Path,
    settings: Sequence[Setting] = (),
    *,
    about: Mapping[str, Any] | None = None,
    address: str | None = None,
) -> Path:
    """Write a table, with a seal (`sd4match.files.seal`).

    Args:
        table: a block of as many rows for each of ``settings``, in their order.
        file: where; appears when it is whole.
        settings: kept in the file's header, for `settings_of`.
        about: likewise, for `about_of`.
        address: the end of its path without suffix, where that says what it holds: under any other
            name the file counts as damaged.
    """
    header = {
        "settings": json.dumps([setting_json(setting) for setting in settings]),
        seal.ENTRY: seal.BLANK,
    }
    if about is not None:
        header["about"] = json.dumps(about, sort_keys=True)
    if address is not None:
        header["address"] = address
    # Positions hardly repeat: a dictionary would be larger than they are. Parquet keeps them in 32
    # bits; byte by byte, in long pages, the empty upper half compresses to nothing.
    others = [name for name in table.column_names if name not in POSITIONS]
    with atomic_path(file) as temporary:
        pq.write_table(
            table.replace_schema_metadata(header),
            temporary,
            compression="zstd",
            use_dictionary=others,
            column_encoding={
                name: "BYTE_STREAM_SPLIT" for name in table.column_names if name not in others
            },
            write_page_checksum=True,
            max_rows_per_page=2**20,
            data_page_size=2**23,
        )
        seal.close(temporary)
    return file


def read(file: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a table, or some of its columns.

    Raises:
        SD4MatchError: the file is damaged.
    """
    try:
        wanted = None if columns is None else list(columns)
        with file.open("rb") as opened:  # for a folder PyArrow would read what is in it
            table = pq.read_table(opened, columns=wanted, page_checksum_verification=True)
        _require_place(file, table.schema.metadata or {})
        return table
    except (OSError, pa.ArrowException) as error:
        raise damaged(file, error) from None


def settings_of(file: Path) -> list[Setting]:
    """The settings that a file holds a block of rows of, in order.

    Raises:
        SD4MatchError: the file is damaged.
    """
    (settings,) = header(file, "settings")
    return [_setting(*setting) for setting in settings]


@cache  # a study's files hold the same few settings over and over
def _setting(layer: int, *readout: Any) -> Setting:
    return layer, Readout(*readout)


def about_of(file: Path) -> dict[str, Any]:
    """What was said ``about`` a file when it was written.

    Raises:
        SD4MatchError: the file is damaged, or nothing was said.
    """
    try:
        return dict(*header(file, "about"))
    except SD4MatchError as error:
        raise SD4MatchError(
            f"{file}: holds no predictions of `sd4match predict`: give a file that it wrote"
        ) from error


def header(file: Path, *entries: str) -> list[Any]:
    """Entries of a file's header, JSON values.

    Raises:
        SD4MatchError: the file is damaged, or has no such entry.
    """
    try:
        found = pq.read_schema(file).metadata
        values = [json.loads(found[entry.encode()]) for entry in entries]
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise damaged(file, error) from None
    _require_place(file, found)
    return values


def _require_place(file: Path, found: Mapping[bytes, bytes]) -> None:
    address = found.get(b"address", b"").decode()
    if address and not file.with_suffix("").as_posix().endswith(f"/{address}"):
        raise damaged(file, f"it is {address}")


def damaged(file: Path | str, reason: Exception | str) -> SD4MatchError:
    """What to say of a file that cannot be read."""
    line = " ".join(str(reason).split())
    return SD4MatchError(
        f"{file}: damaged ({line}): delete it and launch the study, or predict, again"
    )


def setting_json(setting: Setting) -> list[Any]:
    """A setting as JSON values."""
    layer, readout = setting
    return [layer, readout.localizer, readout.kernel_sigma, readout.temperature]


def setting_columns(settings: Sequence[Setting], rows: int) -> dict[str, pa.Array]:
    """Columns that name each row's setting; dictionaries and runs make them nearly free."""

    def column(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
        # A dictionary over settings, not over values: its codes are the block numbers.
        codes = np.repeat(np.arange(len(settings), dtype=np.int32), rows)
        return pa.array(list(values), kind).take(pa.array(codes))

    return {
        "layer": column((layer for layer, _ in settings), pa.uint8()),
        "localizer": column((readout.localizer for _, readout in settings), pa.string()),
        "kernel": column((readout.kernel_sigma for _, readout in settings), pa.float64()),
        "temperature": column((readout.temperature for _, readout in settings), pa.float64()),
    }
