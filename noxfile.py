"""The fast tests on every supported Python, and with the lowest direct dependencies.

nox              # every interpreter that this machine has; nox names those that it skips
nox -s lowest    # the lowest versions that pyproject.toml allows
"""

import re
import tomllib
from pathlib import Path

import nox

nox.options.error_on_missing_interpreters = False


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """The fast tests, with the versions in constraints.txt."""
    session.install("--constraint", "constraints.txt", "--editable", ".[test,docs,lint]")
    session.run("python", "-m", "pytest", "-m", "not slow", *session.posargs)


@nox.session(python="3.11")
def lowest(session: nox.Session) -> None:
    """The fast tests, with the lowest version of each direct dependency."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = [re.sub(r"\[.*\]", "", each).replace(">=", "==") for each in project["dependencies"]]
    constraints = Path(session.create_tmp()) / "lowest.txt"
    constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
    session.install("--constraint", str(constraints), "--editable", ".[test,docs,lint]")
    session.run("python", "-m", "pytest", "-m", "not slow", *session.posargs)
