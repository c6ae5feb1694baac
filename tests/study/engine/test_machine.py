"""The record of a machine and of the code that runs."""

import json
import os
import subprocess

from study.engine import machine


def test_hardware_is_plain_values():
    found = json.loads(json.dumps(machine.hardware()))
    assert found["cores"] == os.cpu_count()
    assert found["memory_gb"] > 0
    assert found["gpus"] == machine.gpus()


def test_code_in_a_repository_has_a_revision_and_its_changes(tmp_path, monkeypatch):
    package = tmp_path / "study"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.setattr(machine, "PACKAGE", package)
    assert machine.code() == machine.Code(None)  # no repository
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    clean = machine.code()
    assert len(clean.revision) == 40
    assert (clean.untracked, clean.diff) == ((), "")
    (package / "__init__.py").write_text("x = 1\n")
    (package / "new.py").write_text("")
    changed = machine.code()
    assert changed.revision == clean.revision
    assert changed.untracked == ("study/new.py",)
    assert "+x = 1" in changed.diff
