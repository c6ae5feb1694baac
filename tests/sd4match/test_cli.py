"""The ``sd4match`` command in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def command(tmp_path):
    def run(*arguments):
        return subprocess.run(
            [Path(sys.executable).parent / "sd4match", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run
