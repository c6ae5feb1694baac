"""Damaged data sets: pair lists, annotations and images of the three benchmarks."""

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.io import savemat

from .cases import (
    Case,
    Damage,
    a_folder,
    changed,
    emptied,
    garbled,
    in_latin_1,
    in_utf_16,
    looping,
    removed,
    replaced,
    truncated,
    write,
)

PASCAL, WILLOW, SPAIR = "data/pf-pascal", "data/pf-willow", "data/SPair-71k"
# Of 2022 are those of `val`.
MAT = f"{PASCAL}/PF-dataset-PASCAL/Annotations/*/2022*.mat"
JSON = f"{SPAIR}/PairAnnotation/val/*.json"


def cases() -> Iterator[Case]:
    for damage in (emptied, garbled, in_utf_16, in_latin_1):
        for file in (f"{PASCAL}/val_pairs.csv", f"{WILLOW}/test_pairs.csv"):
            name = file.rsplit("/", 2)[-2]
            yield _case(f"{name} list {damage.__name__}", file, changed(file, damage))
    layout = f"{SPAIR}/Layout/large/val.txt"
    for damage in (emptied, garbled, in_utf_16, truncated):
        yield _case(f"spair list {damage.__name__}", layout, changed(layout, damage))
    for damage in (emptied, garbled, truncated):
        yield _case(f"mat {damage.__name__}", "Annotations/", changed(MAT, damage))
    for damage in (emptied, garbled, truncated, in_utf_16):
        yield _case(f"json {damage.__name__}", "PairAnnotation/", changed(JSON, damage))
    yield from _lists()
    yield from _matlab()
    yield from _annotations()
    yield from _images()
    yield from _folders()


def _case(name: str, place: str, damage: Damage, *says: str) -> Case:
    return Case("data", name, (place.removeprefix("data/"), *says), damage=damage)


def _lists() -> Iterator[Case]:
    columns = {
        "class": ["0", "21", "-1", "cat", "1.5", "1e9", "", "９"],
        "source_image": ["", "nowhere.jpg", "../../../etc/passwd"],
    }
    for column, values in columns.items():
        for value in values:
            damage = _cell(f"{PASCAL}/val_pairs.csv", column, value)
            place = "passwd" if "passwd" in value else value if ".jpg" in value else "val_pairs.csv"
            yield _case(f"pf_pascal {column} {value!r}", place, damage)
    for value in ("2", "-1", "yes", ""):
        damage = _cell(f"{PASCAL}/trn_pairs.csv", "flip", value)
        learned = ("study", "plan", "small", "baseline.prompt=single")
        yield Case("data", f"pf_pascal flip {value!r}", ("trn_pairs.csv, line",), learned, damage)
    for value in ("nan", "inf", "-1e999", "left", ""):
        damage = _cell(f"{WILLOW}/test_pairs.csv", "XA1", value)
        yield _case(f"pf_willow coordinate {value!r}", "test_pairs.csv, line", damage, "XA1")
    for value in ("a.png", "boats/x/a.png"):
        damage = _cell(f"{WILLOW}/test_pairs.csv", "imageA", value)
        yield _case(f"pf_willow image {value!r}", "test_pairs.csv, line", damage)
    for text in ("source_image,target_image\na,b\n", 'source_image,target_image,class\n"a,b,1\n'):
        file = f"{PASCAL}/val_pairs.csv"
        yield _case(f"pf_pascal list {text[-9:]!r}", file, replaced(file, text))
    for line in ("0001", "1-a-b:unicorn", "../1-a-b:cat", "1-a-b:cat"):
        file = f"{SPAIR}/Layout/large/val.txt"
        place = "1-a-b:cat.json" if line == "1-a-b:cat" else "val.txt, line 1"
        yield _case(f"spair list {line!r}", place, replaced(file, f"{line}\n"))


def _cell(file: str, column: str, value: str) -> Damage:
    def change(content: bytes, rng: Any) -> bytes:
        head, *rows = (line.split(",") for line in content.decode().splitlines())
        rng.choice(rows)[head.index(column)] = value
        return "\n".join(",".join(row) for row in (head, *rows)).encode()

    return changed(file, change)


def _matlab() -> Iterator[Case]:
    box = [[1, 2, 30, 40]]
    contents: dict[str, dict[str, Any]] = {
        "without kps": {"bbox": box},
        "without bbox": {"kps": np.ones((5, 2))},
        "kps of three columns": {"kps": np.ones((5, 3)), "bbox": box},
        "kps flat": {"kps": "x", "bbox": box},
        "kps infinite": {"kps": np.full((5, 2), np.inf), "bbox": box},
        "kps complex": {"kps": np.ones((5, 2)) * 1j, "bbox": box},
        "kps in cells": {"kps": np.array([[1, "a"]], dtype=object), "bbox": box},
        "another number of kps": {"kps": np.ones((99, 2)), "bbox": box},
        "bbox of three": {"kps": np.ones((5, 2)), "bbox": [[1, 2, 3]]},
        "bbox NaN": {"kps": np.ones((5, 2)), "bbox": [[1, 2, np.nan, 4]]},
    }
    for name, content in contents.items():
        file = io.BytesIO()
        savemat(file, content)
        yield _case(f"mat {name}", "Annotations/", replaced(MAT, file.getvalue()))
    yield _case("mat of version 7.3", "Annotations/", replaced(MAT, b"MATLAB 7.3 MAT-file" * 40))
    yield _case("mat missing", "Annotations/", removed(MAT))
    yield _case("mat a link to itself", "Annotations/", looping(MAT))


def _annotations() -> Iterator[Case]:
    changes: dict[str, list[Any]] = {
        "src_kps": [[[1, float("nan")]], [[1, 2, 3]], "none", [[1e400, 2]], [["a", "b"]], None],
        "trg_kps": [[[1, 2]] * 99, [], {}],
        "kps_ids": [["a"], 3, [[1]], None, [10**400]],
        "src_imsize": [[40, 30], [0, 30, 3], [-40, 30, 3], [1e30, 30, 3], [float("nan"), 1, 3], 40],
        "trg_imsize": [[1.5, 30, 3]],
        "src_bndbox": [[1, 2, 3], [1, 2, float("inf"), 4], "box", None],
        "trg_bndbox": [[5, 5, 5, 9], [9, 9, 3, 3], [30, 30, 9, 9]],
        "category": ["cat ", 3, None],
        "trg_imname": ["", 3, "../a.jpg", "nowhere.jpg", "a\0b.jpg", "a\nb.jpg"],
        "viewpoint_variation": ["much", [1], 1e30, -1, 0.5],
    }
    for field, values in changes.items():
        for number, value in enumerate(values):
            nowhere = value in ("nowhere.jpg", "a\0b.jpg", "a\nb.jpg")
            place = "JPEGImages/" if nowhere else "PairAnnotation/val/"
            place = "Layout/large/val.txt: pair" if field == "trg_bndbox" else place
            yield _case(f"json {field} {number}", place, changed(JSON, _set(field, value)))
        if field != "viewpoint_variation":
            gone = changed(JSON, _set(field, ...))
            yield _case(f"json without {field}", "PairAnnotation/val/", gone, field)
    for text in (
        "[]",
        "null",
        "3",
        '"a"',
        "{}",
        "[" * 100_000,
        "{'a': 1}",
        '{"a": NaN}',
        "1" * 9999,
    ):
        yield _case(f"json {text[:9]!r}", "PairAnnotation/val/", replaced(JSON, text))
    yield _case("json missing", "PairAnnotation/val/", removed(JSON))


def _set(field: str, value: Any) -> Any:
    def change(content: bytes, rng: Any) -> bytes:
        annotation = json.loads(content)
        annotation[field] = value
        if value is ...:
            del annotation[field]
        return json.dumps(annotation).encode()

    return change


def _images() -> Iterator[Case]:
    verify = ("sd4match", "data", "verify")
    images = {
        "pf_pascal": f"{PASCAL}/PF-dataset-PASCAL/JPEGImages/2022*.jpg",
        "pf_willow": f"{WILLOW}/PF-dataset/*/*.png",
        "spair": f"{SPAIR}/JPEGImages/*/2022*.jpg",
    }
    for dataset, image in images.items():
        for damage in (emptied, garbled, truncated):
            name = f"{dataset} image {damage.__name__}"
            yield Case("data", name, ("problem",), (*verify, dataset), changed(image, damage))
        damages = (removed(image), a_folder(image), looping(image))
        for what, damage in zip(("missing", "a folder", "a link to itself"), damages, strict=True):
            yield _case(f"{dataset} image {what}", image.split("*")[0], damage)
    bomb = b"P6 60000 60000 255\n"  # a header that asks for 10 GB
    image = images["pf_pascal"]
    yield Case("data", "a bomb", ("problem",), (*verify, "pf_pascal"), replaced(image, bomb))


def _folders() -> Iterator[Case]:
    def a_file(folder: str) -> Damage:
        def damage(world: Any, rng: Any) -> None:
            (world / folder).rename(world / "elsewhere")
            write(world / folder, "a file")

        return damage

    launch = ("study", "launch", "small")
    for folder in ("data", PASCAL):
        yield Case("data", f"{folder} a file", ("data set missing",), launch, a_file(folder))
    missing = "data set missing"
    for folder, said in (("data", "data.root"), (PASCAL, missing), (WILLOW, missing)):
        yield Case("data", f"{folder} a link to itself", (said,), launch, looping(folder))
    for file in (f"{PASCAL}/val_pairs.csv", f"{SPAIR}/Layout/large/val.txt"):
        for what, damage in (
            ("missing", removed(file)),
            ("a folder", a_folder(file)),
            ("a link to itself", looping(file)),
        ):
            yield _case(f"{file} {what}", file, damage)
    yield Case(
        "data", "manifest garbled", ("shapes.json",), ("sd4match", "data", "verify", "spair"),
        changed("data/shapes.json", garbled),
    )  # fmt: skip
