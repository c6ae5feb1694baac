"""A stage whose output changes has a new version, or the store would mix old and new results."""

import json
import runpy
from pathlib import Path

import pytest

from sd4match.features import contents, latents
from study.plan import stages

MAKE = runpy.run_path(str(Path(__file__).with_name("make.py")))
AGAIN = "regenerate with `python tests/study/pinned/make.py`"
OUTPUTS = list(MAKE["TOLERANCES"])


@pytest.fixture(scope="module")
def reference():
    return json.loads(MAKE["REFERENCE"].read_text())


@pytest.fixture(scope="module")
def found(shapes_root, tmp_path_factory):
    return MAKE["outputs"](shapes_root, tmp_path_factory.mktemp("pinned") / "store")


@pytest.mark.parametrize("output", OUTPUTS)
def test_output_is_the_pinned_one(output, found, reference, shapes_root):
    if MAKE["agrees"](output, found[output], reference["outputs"][output]):
        return
    identity = MAKE["identity"](shapes_root)
    other = [name for name, value in identity.items() if reference["identity"][name] != value]
    if other:
        advice = f"keys too, for {' and '.join(other)} changed: if nothing else did, no version"
    else:
        advice = f"raise {MAKE['version_of'](output)} in study/plan/stages.py"
        if "latents" in output:
            advice += " and VERSION in sd4match/features/latents.py"
    pytest.fail(f"output changed: {output}: {advice}; {AGAIN}")


def test_the_pinned_outputs_are_of_these_versions(reference):
    assert reference["versions"] == MAKE["versions"](), f"a stage has a new version: {AGAIN}"


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_changed_output_is_noticed(output, found):
    agrees, pinned = MAKE["agrees"], found[output].tolist()
    assert agrees(output, found[output], pinned)
    assert not agrees(output, found[output] * 1.05 + 0.05, pinned)
    assert not agrees(output, found[output][1:], pinned)


def test_the_reference_is_small_and_whole(reference):
    assert MAKE["REFERENCE"].stat().st_size <= 20_000
    assert list(reference["outputs"]) == OUTPUTS


def test_latents_have_one_version():
    assert stages.LATENTS_VERSION == latents.VERSION
    assert stages.CONTENTS_VERSION == contents.VERSION
