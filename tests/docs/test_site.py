"""The documentation's site builds without a warning, and reads grouped docstring entries."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=ROOT, capture_output=True, text=True,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert (tmp_path / "site/reference/search_space/index.html").is_file()


def test_every_name_of_a_group_gets_its_own_entry():
    file = ROOT / "docs" / "griffe_grouped.py"
    spec = importlib.util.spec_from_file_location("griffe_grouped", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = "Add a, b: two.\n\nArgs:\n    a, b: (N,) numbers,\n        in order.\n    c: more.\n"
    assert module.ungroup(text) == (
        "Add a, b: two.\n\nArgs:\n    a: (N,) numbers,\n        in order.\n"
        "    b: (N,) numbers,\n        in order.\n    c: more.\n"
    )
