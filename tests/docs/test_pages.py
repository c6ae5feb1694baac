"""Every command, Python block and search space on the pages is run.

A page's blocks run in order, as a reader would: commands in this process, in a folder with a small
generated benchmark where a reduced `quickstart` has run; Python in one namespace for each page;
YAML that begins with ``# path`` is written there. A block after a comment ``<!-- not run: why -->``
is left out, and the reason is reported at the end; its commands must exist with these options.
"""

import os
import re
import runpy
import shlex
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
import torch
import yaml
from typer.main import get_command

import sd4match.cli
import study.cli
from sd4match.testbed.shapes import generate
from study.engine import run as engine
from study.engine.cluster import joined
from study.engine.run import fit
from study.engine.worker import Workshop
from study.launch import outputs
from study.space import load

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/**/*.md", "deploy/*.md", "search_spaces/*.md")
    for path in ROOT.glob(pattern)
)
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>[^\n]*?) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    line: int
    language: str
    text: str
    reason: str | None


def blocks(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(text.count("\n", 0, m.start("text")), m["language"], m["text"], m["reason"])
        for m in BLOCK.finditer(text)
    ]


def fit_here(queue, space, folder, *arguments, **options):
    """As `study.engine.run.fit`, in this process; on Ray where its scheduler stops prompts."""
    if space.file.design == "search" and space.file.search.asha:
        fit(queue, space, folder, *arguments, **options)
        return
    workshop, place = Workshop(folder.store, space.rule), {"hostname": "here", "pid": os.getpid()}
    for trial in map(str, count()):
        answer = queue.suggest(trial)
        if not isinstance(answer, dict):
            break
        queue.on_trial_result(trial, place)
        for report in workshop.do(answer["work"]):
            queue.on_trial_result(trial, place | report)
        queue.on_trial_complete(trial, place)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A reader's folder: generated data, and a quickstart of seconds that has run."""
    folder = tmp_path_factory.mktemp("desk")
    generate(folder / "data" / "shapes", scale=0.1)
    (folder / "search_spaces").mkdir()
    space = yaml.safe_load((ROOT / "search_spaces" / "quickstart.yaml").read_text())
    space["axes"] = {"prompt": ["empty", "single"], "timestep": [50, 100], "layer": [1, 2]}
    space["baseline"]["length"] = 4
    space["data"]["pairs"], space["recipe"]["steps"] = 6, 4
    (folder / "search_spaces" / "quickstart.yaml").write_text(yaml.safe_dump(space))
    for name, of in (("one.jpg", 0), ("two.jpg", 1)):
        pictures = sorted((folder / "data/shapes/SPair-71k/JPEGImages/cat").glob("*.jpg"))
        (folder / name).write_bytes(pictures[of].read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        # One Ray for the launches of all pages: a launch in a process that has one uses it.
        patch.setenv("RAY_OVERRIDE_RESOURCES", '{"CPU": 1}')
        with joined(load("quickstart", [])):
            patch.setattr(sys, "argv", ["study", "launch", "quickstart"])
            with pytest.raises(SystemExit) as end:
                study.cli.main()
            assert not end.value.code
            # This launch was a user's. Those of the pages do without workers, which take seconds to
            # import their libraries, and without figures: pages draw those that they show.
            patch.setattr(engine, "fit", fit_here)
            patch.setattr(outputs, "_write_figures", lambda study: [])
            yield folder


@pytest.fixture(autouse=True)
def threads():
    """Restore torch's threads, which commands in this process set."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def commands(text):
    """The words of each command of a shell block; comments and continued lines as in a shell."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            yield words


PROGRAMS = {"study": study.cli, "sd4match": sd4match.cli}


def run(words, monkeypatch, capsys):
    if ">" in words:
        words, (_, file) = words[:-2], words[-2:]
        capsys.readouterr()
        run(words, monkeypatch, capsys)
        Path(file).write_text(capsys.readouterr().out)
        return
    monkeypatch.setattr(sys, "argv", words)
    if words[:2] == ["python", "-m"]:
        monkeypatch.setattr(sys, "argv", words[2:])
        runpy.run_module(words[2], run_name="__main__", alter_sys=True)
        return
    assert words[0] in PROGRAMS, f"{words[0]} cannot be run here: say why with <!-- not run: … -->"
    with pytest.raises(SystemExit) as end:
        PROGRAMS[words[0]].main()
    assert not end.value.code, words


def parse(words):
    """Let a command parse its arguments without running it."""
    command, context, left = get_command(PROGRAMS[words[0]].app), None, words[1:]
    while command:
        context = command.make_context(command.name, list(left), parent=context)
        left = [*context._protected_args, *context.args]
        command = command.commands[left.pop(0)] if hasattr(command, "commands") else None


def open_space(text, folder):
    """Read a search space, or a part of one, as `study plan` does; write one with a name."""
    if named := re.match(r"# (\S+\.yaml)\n", text):
        (folder / named[1]).write_text(text)
        load(str(folder / named[1]), [])
        return
    file = folder / "search_spaces" / "snippet.yaml"
    content = yaml.safe_load(text)
    content.setdefault("axes", {"layer": [0, 1]})
    file.write_text(yaml.safe_dump(content))
    load(str(file), [])
    file.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=str)
def test_everything_on_a_page_runs(page, desk, monkeypatch, capsys, record_property):
    monkeypatch.chdir(desk)
    namespace = {"__name__": str(page)}
    for block in blocks(page):
        where = f"{page}:{block.line}"
        if block.reason is not None:
            record_property("not run", f"{where}: {block.reason}")
            for words in commands(block.text) if block.language == "bash" else ():
                if words[0] in PROGRAMS:
                    parse(words)
            continue
        if block.language == "python":
            exec(compile("\n" * block.line + block.text, str(ROOT / page), "exec"), namespace)
        elif block.language == "bash":
            for words in commands(block.text):
                run(words, monkeypatch, capsys)
        elif block.language == "yaml":
            open_space(block.text, desk)
        else:
            assert block.language in ("text", "toml", ""), f"{where}: what is {block.language}?"


def test_the_pages_are_found():
    assert Path("README.md") in PAGES
    assert any(block.language == "bash" for block in blocks("README.md"))
