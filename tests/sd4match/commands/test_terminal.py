"""Output in any encoding: what cannot be shown is replaced, at the same width."""

import os
import subprocess
import sys

import pytest

SHOW = (
    "import sys; import typer; from rich.console import Console; from sd4match.commands import "
    "terminal; terminal.adapt(); typer.echo(sys.argv[1]); Console().print(sys.argv[1]); "
    "print(terminal.lost(), file=sys.stderr)"
)
TEXT = "a × −0.4 – é ≥ 写 🐈"
NOTE = b"note: ? stands for 4 characters that the output's encoding lacks: PYTHONIOENCODING=utf-8\n"


def show(text, **environment):
    return subprocess.run(
        [sys.executable, "-c", SHOW, text],
        capture_output=True,
        env={**os.environ, **environment},
        check=True,
        timeout=60,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("ascii", b"a x -0.4 - e > ? ?"),
        ("us-ascii", b"a x -0.4 - e > ? ?"),
        ("iso8859-1", b"a \xd7 -0.4 - \xe9 > ? ?"),
        ("cp1252", b"a \xd7 -0.4 \x96 \xe9 > ? ?"),
    ],
)
def test_what_an_encoding_lacks_is_replaced(encoding, shown):
    ended = show(TEXT, PYTHONIOENCODING=encoding)
    assert ended.stdout == shown + b"\n" + shown + b"\n"
    assert ended.stderr == NOTE


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_what_can_be_shown_is_shown(locale):
    ended = show(TEXT, LC_ALL=locale, PYTHONIOENCODING="")
    assert ended.stdout.decode() == f"{TEXT}\n{TEXT}\n"
    assert ended.stderr == b"None\n"


@pytest.mark.slow
def test_a_file_name_of_any_bytes_is_shown():
    ended = show(b"f\xff.jpg", PYTHONIOENCODING="utf-8")
    assert ended.stdout == b"f?.jpg\nf?.jpg\n"
