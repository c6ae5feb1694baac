"""Prompt files that are cut, changed, made for something else, or no prompts at all."""

import io
import json
import pickle
import struct
from collections.abc import Callable, Iterator
from typing import Any

import torch

from .cases import Case, Damage, a_folder, changed, emptied, garbled, looping, replaced, truncated

OURS, THEIRS = "prompts/mine.safetensors", "prompts/Single_spair_sd2-1_TokenEmbeds4/caption.pt"
PLAN = ("study", "plan", "with_prompts")
SHOW = ("sd4match", "prompts", "show", OURS)
LOAD = (
    "sd4match", "prompts", "export", OURS, "out.safetensors", "--backbone", "nano",
    "--format", "textual-inversion",
)  # fmt: skip
IMPORT = ("sd4match", "prompts", "import", THEIRS, "out.safetensors", "--backbone", "nano")


def cases() -> Iterator[Case]:
    files = (emptied, garbled, truncated)
    for command in (PLAN, SHOW):
        for how in files:
            yield _case(f"{how.__name__} for {command[1]}", command, changed(OURS, how))
        for name, change in HEADERS.items():
            if command is SHOW and ("source" in name or "categories" in name):
                continue  # it shows whatever is there
            yield _case(f"{name} for {command[1]}", command, changed(OURS, _header(change)))
        yield _case(f"a folder for {command[1]}", command, a_folder(OURS))
        yield _case(f"a link to itself for {command[1]}", command, looping(OURS))
    launch = ("study", "launch", "with_prompts")
    yield _case("missing", launch, lambda world, rng: (world / OURS).unlink())
    yield _case("of another backbone for plan", PLAN, changed(OURS, _header(_of_another)))
    yield _case("of another backbone", LOAD, changed(OURS, _header(_of_another)))
    for name, change in LOADED.items():
        yield _case(name, LOAD, changed(OURS, _header(change)))
    for number in (float("nan"), float("inf")):
        yield _case(f"with {number}", LOAD, changed(OURS, _tensor(number)))
    for how in files:
        for command in (IMPORT, ("study", "plan", "with_theirs")):
            yield _case(f"{how.__name__} of theirs for {command[1]}", command, changed(THEIRS, how))
    for name, content in _tables().items():
        yield _case(f"theirs: {name}", IMPORT, replaced(THEIRS, content))


def _case(name: str, command: tuple[str, ...], damage: Damage) -> Case:
    theirs = command[1] == "with_theirs" or THEIRS in command or "theirs" in name
    return Case("prompts", name, ("caption.pt" if theirs else "mine.safetensors",), command, damage)


def _header(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes, Any], bytes]:
    """A change of our header in a file that is otherwise whole."""

    def damaged(content: bytes, rng: Any) -> bytes:
        (size,) = struct.unpack("<Q", content[:8])
        outer = json.loads(content[8 : 8 + size])
        ours = json.loads(outer["__metadata__"]["sd4match"])
        changed = change(ours)
        said = changed if isinstance(changed, str) else json.dumps(ours)
        outer["__metadata__"]["sd4match"] = said
        text = json.dumps(outer).encode()
        return struct.pack("<Q", len(text)) + text + content[8 + size :]

    return damaged


def _tensor(number: float) -> Callable[[bytes, Any], bytes]:
    """One number of the prompt replaced."""

    def damaged(content: bytes, rng: Any) -> bytes:
        (size,) = struct.unpack("<Q", content[:8])
        count = (len(content) - 8 - size) // 4
        place = 8 + size + 4 * rng.randrange(count)
        return content[:place] + struct.pack("<f", number) + content[place + 4 :]

    return damaged


def _of_another(header: dict[str, Any]) -> None:
    header["backbone"]["fingerprint"] = "f" * 64


HEADERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "header no JSON": lambda header: "{",
    "header a list": lambda header: "[]",
    "header null": lambda header: "null",
    "header deep": lambda header: "[" * 100_000,
    "no family": lambda header: header.pop("family"),
    "a newer format": lambda header: header.update(format=99),
    "a newer format without versions": lambda header: header.update(format=99, versions=[]),
    "config a list": lambda header: header.update(config=[]),
    "an unknown source": lambda header: header["config"].update(source="Pair-DINO"),
    "a source in a list": lambda header: header["config"].update(source=["Pair-DINO-Feat"]),
    "categories a number": lambda header: header["config"].update(categories=3),
    "backbone a text": lambda header: header.update(backbone="nano"),
    "backbone without a fingerprint": lambda header: header.update(backbone={"name": "nano"}),
}
LOADED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "an unknown family": lambda header: header.update(family="sinlge"),
    "a family with other options": lambda header: header.update(family="cpm"),
    "a length of another file": lambda header: header["config"].update(length=3),
    "a negative length": lambda header: header["config"].update(length=-4),
    "a huge length": lambda header: header["config"].update(length=10**30),
    "a length in words": lambda header: header["config"].update(length="four"),
    "a nested length": lambda header: header["config"].update(length=[4]),
}


class _Steals:
    """What a pickle must never do."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("stolen",))


def _tables() -> dict[str, bytes]:
    """Files that torch could read, and what must not be read."""

    def saved(content: Any) -> bytes:
        file = io.BytesIO()
        torch.save(content, file)
        return file.getvalue()

    whole = torch.zeros(1, 77, 64)
    return {
        "a pickle": pickle.dumps({"dataset": _Steals()}),
        "a pickle in torch's file": saved({"dataset": _Steals()}),
        "a list": saved([whole]),
        "an empty table": saved({}),
        "numbers": saved({"dataset": 3}),
        "integers": saved({"dataset": whole.long()}),
        "NaN": saved({"dataset": whole / 0}),
        "other widths": saved({"dataset": torch.zeros(1, 77, 1024)}),
        "a scalar": saved({"dataset": torch.zeros(())}),
        "numbered": saved({3: whole}),
        "no frame": saved({"dataset": whole}),
    }
