"""Parquet files with a checksum seal, and with settings in their header."""

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
from sd4match.matching.readout import OUTPUT, Layer, Place, Readout, Setting, names_of

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
        table: a block of equally many rows for each of ``settings``, in their order.
        file: the file to write; it appears once it is complete.
        settings: kept in the file's header, for `settings_of`.
        about: JSON values, kept in the file's header, for `about_of`.
        address: the end of its path without suffix, if that identifies its content: under any other
            name the file counts as damaged.

    Returns:
        The file.
    """
    header = {
        "settings": json.dumps([setting_json(setting) for setting in settings]),
        seal.ENTRY: seal.BLANK,
    }
    if about is not None:
        header["about"] = json.dumps(about, sort_keys=True)
    if address is not None:
        header["address"] = address
    # Positions hardly repeat: a dictionary would be larger than the values. Parquet stores 32 bits
    # for each; split by bytes, in long pages, the empty upper half compresses to nothing.
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

    Args:
        file: a file that `write` wrote.
        columns: names of columns; None for all.

    Returns:
        The table.

    Raises:
        SD4MatchError: the file is damaged.
    """
    try:
        wanted = None if columns is None else list(columns)
        with file.open("rb") as opened:  # PyArrow would read the files in a folder
            table = pq.ParquetFile(opened, page_checksum_verification=True).read(
                wanted, use_threads=False
            )
        _require_place(file, table.schema.metadata or {})
        return table
    except (OSError, pa.ArrowException) as error:
        raise damaged(file, error) from None


def settings_of(file: Path) -> list[Setting]:
    """Return the settings of a file, in the order of its blocks of rows.

    Raises:
        SD4MatchError: the file is damaged.
    """
    (settings,) = header(file, "settings")
    return [setting_of(setting) for setting in settings]


def settings_in(file: Path, table: pa.Table) -> list[Setting]:
    """Return the settings of a table that `read` gave, as `settings_of` its file.

    Raises:
        SD4MatchError: the file is damaged.
    """
    (settings,) = _entries(file, table.schema.metadata, ["settings"])
    return [setting_of(setting) for setting in settings]


def setting_of(values: Sequence[Any]) -> Setting:
    """Return the setting that `setting_json` wrote."""
    layer, *readout = values
    return _setting(Place(*layer) if isinstance(layer, list) else layer, *readout)


@cache  # the files of a study hold the same few settings
def _setting(layer: Layer, *readout: Any) -> Setting:
    return layer, Readout(*readout)


def about_of(file: Path) -> dict[str, Any]:
    """Return the ``about`` with which a file was written.

    Raises:
        SD4MatchError: the file is damaged, or has none.
    """
    try:
        return dict(*header(file, "about"))
    except SD4MatchError as error:
        raise SD4MatchError(
            f"{file}: not a file of `sd4match predict`: give a file that it wrote"
        ) from error


def header(file: Path, *entries: str) -> list[Any]:
    """Return entries of a file's header, as JSON values.

    Raises:
        SD4MatchError: the file is damaged, or has no such entry.
    """
    try:
        found = pq.read_schema(file).metadata
    except (OSError, pa.ArrowException) as error:
        raise damaged(file, error) from None
    return _entries(file, found, entries)


def _entries(file: Path, found: Mapping[bytes, bytes] | None, entries: Sequence[str]) -> list[Any]:
    try:
        values = [json.loads((found or {})[entry.encode()]) for entry in entries]
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(file, error) from None
    _require_place(file, found or {})
    return values


def _require_place(file: Path, found: Mapping[bytes, bytes]) -> None:
    address = found.get(b"address", b"").decode()
    if address and not file.with_suffix("").as_posix().endswith(f"/{address}"):
        raise damaged(file, f"its content is {address}")


def damaged(file: Path | str, reason: Exception | str) -> SD4MatchError:
    """Make the error for a file that cannot be read."""
    line = " ".join(str(reason).split())
    return SD4MatchError(
        f"{file}: damaged ({line}): delete it and launch the study, or predict, again"
    )


def setting_json(setting: Setting) -> list[Any]:
    """Return a setting as JSON values."""
    layer, readout = setting
    values = [layer, readout.localizer, readout.kernel_sigma, readout.temperature]
    # As it was before the setting existed: a stored grid keeps its name and its bytes.
    return values if readout.l2_normalize else [*values, False]


def setting_columns(settings: Sequence[Setting], rows: int) -> dict[str, pa.Array]:
    """Make columns with the setting of each row; dictionaries and runs keep them small."""

    def column(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
        # A dictionary over settings, not over values: its codes are the block numbers.
        codes = np.repeat(np.arange(len(settings), dtype=np.int32), rows)
        return pa.array(list(values), kind).take(pa.array(codes))

    layers = [names_of(layer) for layer, _ in settings]
    columns = {
        "layer": column((block for block, _ in layers), pa.uint8()),
        "localizer": column((readout.localizer for _, readout in settings), pa.string()),
        "kernel": column((readout.kernel_sigma for _, readout in settings), pa.float64()),
        "temperature": column((readout.temperature for _, readout in settings), pa.float64()),
    }
    # Files that do not use a setting stay as they were before it existed.
    places = [place for _, place in layers]
    if any(place != OUTPUT for place in places):
        columns["place"] = column(places, pa.string())
    cosine = [readout.l2_normalize for _, readout in settings]
    if not all(cosine):
        columns["l2_normalize"] = column(cosine, pa.bool_())
    return columns
