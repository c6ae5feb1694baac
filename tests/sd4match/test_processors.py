"""The model under several instruction sets: what differs is rounding."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import processors

SETTINGS = [processors.AS_IT_IS, "AVX2", "SSE4.1", "2 threads"]
COMPUTE = """
import sys
from pathlib import Path
import numpy as np
from benchmarks.processors import run
root, folder = map(Path, sys.argv[1:3])
for name, arrays in run(sys.argv[3:], root, pairs=3, steps=2, image_size=64).items():
    np.savez(folder / name, **arrays)
"""


@pytest.mark.slow
def test_instruction_sets_and_threads_differ_in_rounding_alone(pascal_root, tmp_path):
    # In processes where torch has not computed anything before.
    command = [sys.executable, "-c", COMPUTE, str(pascal_root), str(tmp_path), *SETTINGS]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    here, *others = (dict(np.load(tmp_path / f"{name}.npz")) for name in SETTINGS)
    assert str(here["device"]) != str(others[1]["device"])
    assert (here["noise"] != others[1]["noise"]).any() or "AVX2" not in str(here["device"])
    for name, there in zip(SETTINGS[1:], others, strict=True):
        apart = processors.differences(here, there)
        for what, bound in processors.TOLERANCES.items():
            found = [each for each in apart if each.partition(",")[0] == what]
            assert found
            for each in found:
                assert "learned" in each or apart[each] <= bound, f"{name}: {each}"
