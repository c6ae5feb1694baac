"""The wheel holds all that an installed package needs."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILD = "import hatchling.build, sys; hatchling.build.build_wheel(sys.argv[1])"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names of the files in the wheel."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, folder], cwd=ROOT, check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize(
    "pattern",
    [
        "sd4match/**/*.py", "study/**/*.py", "sd4match/**/*.pyi", "study/**/*.pyi", "*/py.typed",
        "study/report/page/*", "sd4match/testbed/nano/model/**/*.*",
    ],
)  # fmt: skip
def test_the_wheel_holds_every_file(wheel, pattern):
    files = {str(path.relative_to(ROOT)) for path in ROOT.glob(pattern) if path.is_file()}
    files = {name for name in files if name.startswith(("sd4match/", "study/"))}
    assert files
    assert files - wheel == set()


def test_the_wheel_holds_the_search_spaces(wheel):
    spaces = {path.name for path in (ROOT / "search_spaces").glob("*.yaml")}
    assert {f"study/search_spaces/{name}" for name in spaces} <= wheel
