"""The model under several instruction sets: what differs is rounding."""

import subprocess
import sys

import numpy as np
import pytest

from benchmarks import processors
from sd4match.testbed.shapes import generate

SETTINGS = [processors.AS_IT_IS, "AVX2", "SSE4.1", "2 threads"]
COMPUTE = """
import sys
from pathlib import Path
import numpy as np
from benchmarks.processors import run
found = run({names}, Path(sys.argv[1]) / "shapes", pairs=3, steps=2, image_size=64)
for name, arrays in found.items():
    np.savez(Path(sys.argv[1]) / name, **arrays)
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Setting to what is computed, in processes where torch has not computed anything before."""
    folder = tmp_path_factory.mktemp("processors")
    generate(folder / "shapes", scale=0.02)
    code = COMPUTE.format(names=SETTINGS)
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)
    return {name: dict(np.load(folder / f"{name}.npz")) for name in SETTINGS}


@pytest.mark.slow
def test_instruction_sets_differ_in_rounding_alone(found):
    here = found.pop(processors.AS_IT_IS)
    for name, there in found.items():
        for what, apart in processors.differences(here, there).items():
            bound = processors.TOLERANCES.get(what.partition(",")[0])
            if bound is not None and "learned" not in what:
                assert apart <= bound, f"{name}: {what}"
