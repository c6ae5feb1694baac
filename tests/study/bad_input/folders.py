"""A study's folder with files that are cut, changed or of something else."""

import json
from collections.abc import Iterator
from dataclasses import replace

from .cases import (
    Case,
    a_folder,
    changed,
    emptied,
    first,
    garbled,
    looping,
    replaced,
    truncated,
    write,
)

FOLDER = "results/small"
STATUS, BEST = ("study", "status", "small"), ("study", "best", "small")
HISTORY = ("study", "plot", "searched", "history")


def cases() -> Iterator[Case]:
    for command in (STATUS, BEST, ("study", "table", "small"), ("study", "plot", "small", "layer")):
        yield Case(
            "folder",
            f"study.json for {command[1]}",
            ("study.json",),
            command,
            changed(f"{FOLDER}/study.json", truncated),
        )
    for file in ("study.json", "cells.parquet", "failures.json"):
        path = f"{FOLDER}/{file}"
        for how in (emptied, garbled, truncated):
            yield _case(f"{file} {how.__name__}", file, changed(path, how))
    for file, place in (("study.json", "small"), ("cells.parquet", "cells.parquet")):
        yield _case(f"{file} a folder", place, a_folder(f"{FOLDER}/{file}"))
        yield _case(f"{file} a link to itself", place, looping(f"{FOLDER}/{file}"))
    for text in ("[]", "null", "3", "{}", '{"name": "small"}', "[" * 100_000):
        yield _case(
            f"study.json {text[:17]!r}", "study.json", replaced(f"{FOLDER}/study.json", text)
        )
    for key, values in KEYS.items():
        for value in values:
            damage = changed(f"{FOLDER}/study.json", _set(key, value))
            yield _case(f"study.json {key} {value!r}", "results/small", damage)
    for reason in ("null", "3", '""', "[]"):
        damage = replaced(f"{FOLDER}/failures.json", f'{{"key": {reason}}}')
        yield _case(f"failures.json reason {reason}", "failures.json", damage)
    for text in ("[]", "null", "3"):
        damage = replaced(f"{FOLDER}/failures.json", text)
        yield _case(f"failures.json {text!r}", "failures.json", damage)
    for pattern in (
        "store/predict/*/*.parquet",
        "store/score/*/*.parquet",
        "store/truth/*.parquet",
    ):
        damage = other_table(pattern)
        yield _case(f"cells.parquet like {pattern}", "cells.parquet", damage)
    journal = "results/searched/optuna.journal"
    for text in ("my notes\nof today\n", "[]\n[]\n", '{"op_code":0}\n\0\0\n{}\n'):
        damage = replaced(journal, text)
        words = (journal, "launch the study, and it is repaired")
        yield Case("folder", f"optuna.journal {text!r}", words, HISTORY, damage)
    gone = Case("folder", "optuna.journal is gone", (journal, "is gone"), HISTORY)
    yield replace(gone, damage=lambda world, rng: (world / journal).unlink())


KEYS = {
    "alphas": (None, [], ["a"], 3, [0.1, None], {"a": 1}, [-0.1]),
    "protocol": (None, "dfit", 3),
    "baseline": (None, 3),
    "fidelity": (3,),
    "name": (None, ["small"]),
}


def other_table(pattern):
    """Damage that puts another of our tables where the index is."""

    def damage(world, rng):
        write(world / FOLDER / "cells.parquet", first(world / "results", pattern).read_bytes())

    return damage


def _set(key, value):
    def change(content, rng):
        return json.dumps({**json.loads(content), key: value}).encode()

    return change


def _case(name, place, damage, command=STATUS):
    return Case("folder", name, (place,), command, damage)
