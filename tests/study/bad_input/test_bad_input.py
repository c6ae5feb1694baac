"""Every mistake and accident ends in one clear line, and loses nothing that was measured."""

import pytest

from . import backbones, data_files, folders, prompt_files, spaces
from .world import fork, measured

CASES = [
    case
    for module in (data_files, spaces, prompt_files, folders, backbones)
    for case in module.cases()
]


@pytest.fixture
def damaged(world, tmp_path):
    """A function: a copy of the world that a case has damaged."""

    def make(case):
        copy = fork(world, tmp_path / "copy", own_data=case.kind == "data")
        case.damage(copy, case.rng())
        return copy

    return make


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_it_is_refused_in_one_line_and_nothing_is_lost(case, damaged, command):
    copy = damaged(case)
    before = measured(copy)
    ended = command(copy, *case.command)
    assert ended.code in (1, 2), ended
    said = ended.err.strip() or ended.out
    assert "Traceback" not in ended.err
    if "verify" not in case.command:  # which reports all it finds, on standard output
        assert said.startswith("error: "), ended
        assert ended.err.count("\n") == 1, ended.err
    assert not [word for word in case.says if word not in said], said
    after = measured(copy)
    assert before.items() <= after.items()
    assert not (copy / "stolen").exists()


def test_there_are_enough_of_them():
    assert len({case.id for case in CASES}) == len(CASES) > 100
