"""A study's folder behind a URL: brought before a launch, sent after it, however it ended."""

import pytest

from study.launch.sync import synced
from study.store.mirror import local
from study.store.study_folder import StudyFolder


def on(machine, results, name):
    machine(name)
    return StudyFolder(local(f"{results}/small"))


def write(folder, name, text):
    folder.path.mkdir(parents=True, exist_ok=True)
    (folder.path / name).write_text(text)


@pytest.mark.slow
def test_what_one_machine_wrote_another_continues_from(results, machine):
    first = on(machine, results, "first")
    with synced(first):
        write(first, "study.json", "{}")
    second = on(machine, results, "second")
    assert not second.path.exists()
    with pytest.raises(KeyboardInterrupt), synced(second) as sync:  # noqa: PT012
        assert (second.path / "study.json").read_text() == "{}"
        write(second, "failures.json", "{}")
        sync.send()
        write(second, "search.json", "{}")
        raise KeyboardInterrupt
    third = on(machine, results, "third")
    with synced(third):
        names = {file.name for file in third.path.iterdir()}
    assert names == {"study.json", "failures.json", "search.json"}


def test_a_folder_of_this_machine_is_its_own_place(tmp_path):
    folder = StudyFolder(tmp_path / "small")
    with synced(folder):
        write(folder, "study.json", "{}")
    assert [file.name for file in folder.path.iterdir()] == ["study.json"]
