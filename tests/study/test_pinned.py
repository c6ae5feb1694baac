"""A stage whose output changes has a new version, or the store would mix old and new results."""

import json
import runpy
from pathlib import Path

import pytest

MAKE = Path(__file__).parent / "pinned" / "make.py"
PINNED = runpy.run_path(str(MAKE))
AGAIN = "regenerate with `python tests/study/pinned/make.py`"
KINDS = sorted(PINNED["TOLERANCES"])


@pytest.fixture(scope="module")
def reference():
    return json.loads(PINNED["REFERENCE"].read_text())


@pytest.fixture(scope="module")
def found(shapes_root, tmp_path_factory):
    return PINNED["outputs"](shapes_root, tmp_path_factory.mktemp("pinned") / "store")


@pytest.mark.parametrize("kind", KINDS)
def test_output_is_the_pinned_one(kind, found, reference, shapes_root):
    if PINNED["agrees"](kind, found[kind], reference["outputs"][kind]):
        return
    identity = PINNED["identity"](shapes_root)
    other = [name for name, value in identity.items() if reference["identity"][name] != value]
    name = f"{kind.upper()}_VERSION"
    if other:
        advice = f"keys too, for {' and '.join(other)} changed: if nothing else did, no version"
    elif kind == "latents":
        advice = f"raise {name} in study/stages.py and VERSION in sd4match/features/latents.py"
    else:
        advice = f"raise {name} in study/stages.py"
    pytest.fail(f"output of the {kind} stage changed: {advice}; then {AGAIN}")


@pytest.mark.parametrize("kind", KINDS)
def test_the_pinned_output_is_of_this_version(kind, reference):
    version = PINNED["versions"]()[kind]
    assert reference["versions"][kind] == version, f"{kind} has a new version: {AGAIN}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_output_is_noticed(kind, found):
    agrees = PINNED["agrees"]
    assert agrees(kind, found[kind], found[kind].tolist())
    assert not agrees(kind, found[kind] * 1.05 + 0.05, found[kind].tolist())
    assert not agrees(kind, found[kind][1:], found[kind].tolist())


def test_the_reference_is_small(reference):
    assert PINNED["REFERENCE"].stat().st_size <= 20_000
    assert set(reference["outputs"]) == set(KINDS)
