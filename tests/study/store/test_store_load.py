"""The store under load, small; the whole of it is `benchmarks/store_load.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "store_load.py"


@pytest.mark.slow
def test_many_writers_and_a_reader():
    command = [sys.executable, BENCHMARK, "--results", "300", "--writers", "8"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
    assert ended.stdout.splitlines()[-1] == "nothing lost, no wrong answer"
