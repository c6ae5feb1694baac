"""What the documentation shows works: its pages are followed as a reader would.

The fenced blocks of a page are run in its order, in one folder of their own: ``bash`` and
``python`` as programs, ``yaml`` that begins with ``# path`` is written there. A block that a test
cannot run has a comment before it that says why: ``<!-- not run: needs a cluster -->``.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.main import get_command

from sd4match.cli import app as sd4match_app
from study.cli import app as study_app

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
APPS = {"study": get_command(study_app), "sd4match": get_command(sd4match_app)}
FENCE = re.compile(
    r"(?:<!-- not run: (?P<reason>.+?) -->\n+)?^```(?P<language>\w+)[^\n]*\n(?P<code>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A fenced block; ``reason`` says why it is not run."""

    language: str
    code: str
    reason: str | None


def blocks(page):
    """The blocks of a page that are code, in order."""
    found = FENCE.finditer(page.read_text(encoding="utf-8"))
    every = [Block(one["language"], one["code"], one["reason"]) for one in found]
    return [block for block in every if block.language in ("bash", "python", "yaml")]


def commands(page):
    """The lines of a page's shell blocks that start one of our programs, as arguments."""
    lines = [line for b in blocks(page) if b.language == "bash" for line in b.code.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines if "…" not in line]
    return [one for one in words if one and one[0] in APPS]


def follow(page, folder):
    """Run a page's blocks in a folder."""
    programs = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    for block in blocks(page):
        if block.reason:
            continue
        if block.language == "yaml":
            named = re.match(r"# (\S+\.yaml)\n", block.code)
            if named:
                file = folder / named[1]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.code, encoding="utf-8")
            continue
        start = {
            "bash": ["bash", "-euo", "pipefail", "-c"],
            "python": [sys.executable, "-c"],
        }[block.language]
        done = subprocess.run(
            [*start, block.code], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{block.code}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.stem)
def test_commands_are_there_with_the_options_shown(page):
    for program, *words in commands(page):
        command, context = APPS[program], None
        while True:
            context = command.make_context(command.name, list(words), parent=context)
            words = [*context._protected_args, *context.args]
            if not hasattr(command, "commands"):
                break
            command = command.commands[words.pop(0)]


@pytest.mark.slow
def test_the_tutorial_can_be_followed(tmp_path):
    follow(ROOT / "docs" / "tutorial.md", tmp_path)
    assert (tmp_path / "results" / "first" / "report.html").is_file()
    assert (tmp_path / "results" / "first" / "tables" / "timestep.md").is_file()


def test_a_block_that_fails_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```bash\ntrue\n```\n\n<!-- not run: a cluster -->\n```bash\nfalse\n```\n")
    follow(page, tmp_path)
    page.write_text(page.read_text() + "```python\nraise SystemExit(3)\n```\n")
    with pytest.raises(AssertionError, match="SystemExit"):
        follow(page, tmp_path)


def test_the_pages_make_a_site(tmp_path):
    if find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed (extra: docs)")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "open_study" in (tmp_path / "site" / "reference" / "study" / "index.html").read_text()
