"""The files: whole, alone, escaped, the same every time."""

import re
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from sd4match.errors import SD4MatchError
from study.cli import app
from study.report.writing import write
from study.study import open_study

from .conftest import HOSTILE

VOID = {"meta", "link", "input", "br", "img"}


class Tags(HTMLParser):
    """Every tag with its attributes, and whether all are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def values(self, name):
        return [attrs[name] for _, attrs in self.found if name in attrs]


@pytest.fixture(scope="module")
def page(whole):
    return write(open_study(whole))


@pytest.mark.slow
def test_the_page_is_alone(page):
    text = page.read_text()
    tags = Tags(text)
    links = [*tags.values("href"), *tags.values("src"), *tags.values("xlink:href")]
    assert [link for link in links if not link.startswith(("#", "data:image/jpeg", "data:,"))] == []
    assert not re.search(r"@import|url\((?!#)", text)
    ids = tags.values("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert tags.found[0] == ("html", {"lang": "en"})


@pytest.mark.slow
def test_the_same_study_gives_the_same_bytes(page, whole, tmp_path):
    again = write(open_study(whole), out=tmp_path / "again.html")
    assert again.read_bytes() == page.read_bytes()


@pytest.mark.slow
def test_everything_is_escaped(holed, tmp_path):
    text = write(open_study(holed), out=tmp_path / "r.html").read_text()
    assert "<script>alert" not in text
    assert "<b>{category}" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;|&#34;&amp;") >= 3  # name and reasons
    scripts = [attrs for tag, attrs in Tags(text).found if tag == "script"]
    assert [attrs for attrs in scripts if attrs.get("type") != "application/json"] == [{}]


@pytest.mark.slow
def test_markdown_escapes_and_links_its_figures(holed, tmp_path):
    file = write(open_study(holed), form="md", out=tmp_path / "r.md")
    text = file.read_text()
    words = re.sub(r"```bash\n.*?\n```", "", text, flags=re.DOTALL)  # code is shown as it is
    assert HOSTILE not in words
    assert "<script" not in words.replace("\\<script", "")
    figures = re.findall(r"!\[.*\]\((.+)\)", text)
    assert figures
    for name in figures:
        assert (tmp_path / name).read_text().startswith("<?xml")
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)
    first, rule, *_ = tables
    assert first.count("|") == rule.count("|")


@pytest.mark.slow
def test_the_command_prints_the_path(whole, tmp_path):
    done = CliRunner().invoke(app, ["report", str(whole), "--format", "md"])
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{whole / 'report.md'}\n"
    assert (whole / "report.md").is_file()


def test_an_unknown_format_is_refused(study, tmp_path):
    with pytest.raises(SD4MatchError, match="pdf"):
        write(study, form="pdf", out=tmp_path / "r")
    assert list(tmp_path.iterdir()) == []
