"""Every row of the page of tried situations names tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/tried.md").read_text(encoding="utf-8")
SECTIONS = dict(part.split("\n", 1) for part in PAGE.split("\n## ")[1:])
BAR = re.compile(r"(?<!\\)\|")


@cache
def names_in(file):
    """The names of a file's tests, without importing it."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_the_page_has_sections_and_rows():
    assert len(SECTIONS) >= 10
    assert len(re.findall(r"^\| ", PAGE, re.MULTILINE)) > 100


@pytest.mark.parametrize("section", SECTIONS)
def test_every_row_names_tests_that_exist(section):
    text = SECTIONS[section]
    files = re.findall(r"`(tests/[\w/]+\.py)`", text)
    known = set().union(*map(names_in, files))
    head, _, *rows = (line for line in text.splitlines() if line.startswith("|"))
    assert head == "| situation | what the product does | tests |"
    used = set()
    for row in rows:
        _, *cells, _ = BAR.split(row)
        assert len(cells) == 3, row
        named = re.findall(r"`(\w+)`", cells[2])
        assert named, f"no test: {row}"
        assert not set(named) - known, f"no such test: {set(named) - known}"
        used.update(named)
    idle = [file for file in files if not used & names_in(file)]
    assert not idle, f"no row needs {idle}"
