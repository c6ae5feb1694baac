"""What commands import: nothing heavy for help and mistyped names, no model for answers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
MODEL = {"torch", "diffusers", "transformers", "ray", "hydra", "matplotlib", "seaborn"}
HEAVY = MODEL | {"numpy", "pandas", "pyarrow", "scipy", "optuna", "omegaconf", "duckdb", "PIL"}
RUN = """
import json, sys
from {program}.cli import main
codes = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["{program}", *arguments]
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    codes.append(code)
known = {{name.split(".")[0] for name in sys.modules}}
print()
print(json.dumps([sorted(set(codes)), sorted(known & set({heavy!r}))]))
"""


def commands(program):
    """The command lines that ask for help: of the program, and of each command in it."""
    names = "import json, typer.main; from {0}.cli import app\n" + (
        "def walk(command, path):\n"
        "    yield path\n"
        "    for name, part in getattr(command, 'commands', {{}}).items():\n"
        "        yield from walk(part, [*path, name])\n"
        "print(json.dumps(list(walk(typer.main.get_command(app), []))))"
    )
    ended = python(names.format(program))
    return [[*path, "--help"] for path in json.loads(ended.stdout)]


def python(code, *arguments, folder=ROOT):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True,
        check=True, timeout=120,
    )  # fmt: skip


def loaded(*lines, program="study", heavy=HEAVY, folder=ROOT):
    """How command lines ended, and which heavy packages are imported after them."""
    code = RUN.format(program=program, heavy=sorted(heavy))
    ended = python(code, json.dumps([list(line) for line in lines]), folder=folder)
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.mark.parametrize("program", ["study", "sd4match"])
def test_no_help_text_needs_anything_heavy(program):
    lines = commands(program)
    assert len(lines) > 5
    assert loaded(*lines, program=program) == [[0], []]


def test_mistyped_names_are_refused_before_anything_heavy_is_imported(tmp_path):
    spaces = [[command, "quickstrat"] for command in ("launch", "plan")]
    asking = ("status", "best", "table", "plot", "report")
    studies = [[command, "quickstrat"] for command in asking]
    studies += [["query", "quickstrat", "SELECT 1"], ["export", "quickstrat", "--out", "out"]]
    studies += [["compare", "quickstrat", "quickstart"]]
    assert loaded(*spaces, *studies, folder=tmp_path) == [[1], []]


@pytest.mark.parametrize(
    "line",
    [
        "status STUDY", "best STUDY", "best STUDY --pareto pck,cost", "table STUDY",
        "table STUDY layer", "table STUDY paper", "query STUDY SELECT+1", "compare STUDY STUDY",
        "export STUDY --out out --format csv",
    ],
)  # fmt: skip
def test_answers_need_no_model(line, answered, tmp_path):
    words = [word.replace("STUDY", str(answered.folder.path)) for word in line.split()]
    words = [word.replace("+", " ") for word in words]
    assert loaded(words, heavy=MODEL, folder=tmp_path) == [[0], []]
