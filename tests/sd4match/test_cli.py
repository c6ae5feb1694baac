"""The ``sd4match`` command: ``data shapes``."""

import subprocess
import sys
from pathlib import Path

import pytest

from sd4match import cli, datasets

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The whole benchmark, made once by the installed command: (folder, how it ended)."""
    folder = tmp_path_factory.mktemp("made")
    ended = subprocess.run(
        [Path(sys.executable).parent / "sd4match", "data", "shapes", "data/shapes", "--seed", "3"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return folder / "data" / "shapes", ended


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the command in this process: (status, standard output, standard error)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sd4match", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return (end.value.code or 0, *capsys.readouterr())

    return run


def test_data_shapes_makes_what_the_readers_read(made):
    root, ended = made
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "data/shapes" in ended.stdout
    assert "seed 3" in ended.stdout
    assert sorted(path.name for path in root.parent.iterdir()) == ["shapes"]
    for name, splits in datasets.SPLITS.items():
        for split in splits:
            pairs = datasets.load(name, root, split)
            assert len(pairs) > 50
            assert datasets.load_image(pairs[0], "target").size == pairs[0].target_size


def test_data_shapes_again_leaves_it_alone(made, call):
    root, _ = made
    before = {file: file.stat().st_mtime_ns for file in root.rglob("*")}
    code, out, err = call("data", "shapes", root, "--seed", 3)
    assert (code, err) == (0, "")
    assert str(root) in out
    assert {file: file.stat().st_mtime_ns for file in root.rglob("*")} == before


@pytest.mark.parametrize("seed", [4, -1])
def test_data_shapes_refuses_in_one_line(made, call, seed):
    root, _ = made
    code, out, err = call("data", "shapes", root, "--seed", seed)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("error: ")
    assert "seed" in err


def test_data_shapes_does_not_touch_a_foreign_folder(tmp_path, call):
    (tmp_path / "letter.txt").write_text("mine")
    code, _, err = call("data", "shapes", tmp_path)
    assert (code, err.count("\n")) == (1, 1)
    assert str(tmp_path) in err
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verfy",), "error: No such command 'verfy'"),
        (("verify",), "error: Missing argument 'name'"),
        (("verify", "spair", "--jsn"), "error: No such option: --jsn"),
        (("shapes", "x", "--scale", "much"), "error: Invalid value for '--scale': "),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(call, arguments, message):
    code, out, err = call("data", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(message)
    assert err.endswith(" (--help shows all options)\n")


def test_no_arguments_show_the_help(call):
    code, out, err = call("data")
    assert (code, out) == (2, "")
    assert err.startswith("Usage:")
    assert "shapes" in err


def test_help_shows_an_example(call):
    code, out, _ = call("data", "shapes", "--help")
    assert code == 0
    assert "sd4match data shapes data/shapes" in out


def test_help_shows_examples(call):
    for command in ("tune", "predict", "score"):
        code, out, _ = call(command, "--help")
        assert code == 0
        assert f"Example: sd4match {command} runs/" in out
