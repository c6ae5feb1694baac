"""The kinds of devices that stored stages were computed on, as their own files record it."""

from collections.abc import Iterable
from pathlib import Path

from sd4match.errors import SD4MatchError
from study.store.store import Store


def devices_of(
    store: Store, *, tunes: Iterable[str] = (), predicts: Iterable[str] = ()
) -> dict[str, list[str]]:
    """Read where stages were computed; see `sd4match.backbones.devices.device_kind`.

    Args:
        store: holds the files.
        tunes, predicts: keys of stages.

    Returns:
        Key to kinds of devices: of those stages that the store holds and whose files say it. A
        tuning that went on elsewhere has several.
    """
    found = {key: _of_prompt(store.prompt(key)) for key in tunes}
    for key in predicts:
        files = (store.folder / "predict" / key).glob("[0-9a-f]*.parquet")
        found[key] = [kind for file in sorted(files) for kind in _of_predictions(file)]
    return {key: list(dict.fromkeys(kinds)) for key, kinds in found.items() if kinds}


def _of_prompt(file: Path) -> list[str]:
    from sd4match.prompts.header import read_header

    try:
        return list(read_header(file)["training"].get("devices", ()))
    except SD4MatchError:  # missing, or damaged: who reads it for its content says so
        return []


def _of_predictions(file: Path) -> list[str]:
    from sd4match.records.parquet import header  # loads PyArrow

    try:
        (about,) = header(file, "about")
        return list(about.get("devices", ()))
    except SD4MatchError:  # damaged, or of an earlier version
        return []
