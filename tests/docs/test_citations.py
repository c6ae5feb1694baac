"""Every document, section and idea that a file of the project cites exists.

Code cites as ``docs/explanation/method.md section 3``, ``docs/explanation/method.md sections 1 and
3`` or ``docs/explanation/architecture.md, idea 2``; pages cite by links.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXTS = {".py", ".pyi", ".md", ".yaml", ".yml", ".toml", ".j2", ".js", ".json", ".cff", ".cfg"}
FOLDERS = ("sd4match", "study", "tests", "benchmarks", "docs", "deploy", "search_spaces")
FILES = [
    path
    for path in (
        *ROOT.glob("*"),
        *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*")),
    )
    if path.is_file()
    and (path.suffix in TEXTS or path.name == "Makefile")
    and "__pycache__" not in path.parts
]
OUTSIDE = re.compile(r"\b(?:METHOD|DESIGN)" + r"\.md")  # so that this file does not match
DOCUMENT = re.compile(r"(?<![\w./-])(docs/[\w./-]+\.md|(?:README|CONTRIBUTING|CHANGELOG)\.md)")
NUMBERS = r"(\d+(?:(?:[\s#]*,[\s#]*|[\s#]+and[\s#]+|[\s#]+to[\s#]+)\d+)*)\b"
CITED = re.compile(
    rf"(docs/[\w./-]+\.md)[,:;]?[\s#]+(?:(section|idea)s?[\s#]+)?{NUMBERS}", re.IGNORECASE
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def text_of(path):
    return path.read_text(encoding="utf-8")


def cited(text):
    """(document, "section" or "idea", number) of every citation of a part of a document."""
    for found in CITED.finditer(text):
        numbers = [int(number) for number in re.findall(r"\d+", found[3])]
        if " to " in " ".join(found[3].split()):
            numbers = list(range(numbers[0], numbers[-1] + 1))
        kind = (found[2] or "section").lower()
        yield from ((found[1], kind, number) for number in numbers)


def parts(document):
    """The numbered sections and ideas that a document has, from its headings."""
    heads = re.findall(r"^#+ (.*)$", text_of(ROOT / document), re.MULTILINE)
    for head in heads:
        if found := re.match(r"(Idea )?(\d+)[.:] ", head):
            yield "idea" if found[1] else "section", int(found[2])


def anchors(page):
    """The anchors of a page's headings, as MkDocs and GitHub make them."""
    heads = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", head.lower()).strip()) for head in heads}


def test_the_documents_that_are_cited_exist():
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in FILES
        for name in DOCUMENT.findall(text_of(path))
        if not (ROOT / name).is_file()
    ]
    assert missing == []


def test_the_sections_and_ideas_that_are_cited_exist():
    missing = [
        f"{path.relative_to(ROOT)}: {document} has no {kind} {number}"
        for path in FILES
        for document, kind, number in cited(text_of(path))
        if (kind, number) not in set(parts(document))
    ]
    assert missing == []


def test_no_file_cites_a_document_outside_the_project():
    outside = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in FILES
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if OUTSIDE.search(line)
    ]
    assert outside == []


@pytest.mark.parametrize(
    "page", [path for path in FILES if path.suffix == ".md"], ids=lambda p: str(p.relative_to(ROOT))
)
def test_the_links_of_a_page_lead_somewhere(page):
    broken = []
    for target in LINK.findall(text_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_the_checks_find_what_they_look_for():
    method, architecture = "docs/explanation/method.md", "docs/explanation/architecture.md"
    text = f"{method} sections 1 and\n # 3, ({method} 5). {architecture}, idea 8; {method}"
    assert list(cited(text)) == [
        (method, "section", 1),
        (method, "section", 3),
        (method, "section", 5),
        (architecture, "idea", 8),
    ]
    assert set(parts("docs/explanation/method.md")) == {("section", n) for n in range(1, 12)}
    assert set(parts("docs/explanation/architecture.md")) == {("idea", n) for n in range(1, 9)}
    assert len(FILES) > 300
