"""Parquet files of records: each is whole or not there, and knows which free settings it holds."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sd4match.atomic import atomic_path
from sd4match.errors import SD4MatchError
from sd4match.readouts import Readout
from study.stages import Setting

POSITIONS = ("x", "y")


def write(table: pa.Table, file: Path, settings: Sequence[Setting] = ()) -> Path:
    """Write a table.

    Args:
        table: a block of as many rows for each of ``settings``, in their order.
        file: where; appears when it is whole.
        settings: kept in the file's header, for `settings_of`.
    """
    header = {"settings": json.dumps([setting_json(setting) for setting in settings])}
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
    return file


def read(file: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a table, or some of its columns.

    Raises:
        SD4MatchError: the file is damaged.
    """
    try:
        return pq.read_table(file, columns=columns, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise damaged(file, error) from None


def settings_of(file: Path) -> list[Setting]:
    """The free settings that a prediction or score file holds, a block of rows each, in order.

    Raises:
        SD4MatchError: the file is damaged.
    """
    try:
        listed = json.loads(pq.read_schema(file).metadata[b"settings"])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise damaged(file, error) from None
    return [(layer, Readout(*readout)) for layer, *readout in listed]


def damaged(file: Path | str, error: Exception) -> SD4MatchError:
    """What to say of a file that cannot be read."""
    reason = " ".join(str(error).split())
    return SD4MatchError(f"{file}: damaged ({reason}): delete it and launch the study again")


def setting_json(setting: Setting) -> list[Any]:
    """A free setting as JSON values."""
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
