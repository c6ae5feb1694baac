"""The face of the package: a study is opened by its folder, and hands itself down."""

import pytest

import study
from study.analysis.results import Results
from study.study import Study


@pytest.mark.slow
def test_a_study_is_opened_by_its_folder(answered):
    opened = study.open(answered.folder.path)
    assert type(opened) is Study is study.Study
    assert opened.best().equals(answered.best())
    assert isinstance(study.__version__, str)


def test_another_protocol_gives_a_study_again(answered):
    other = answered.under("dift")
    assert type(other) is Study
    assert answered.under() is answered
    assert type(Results(answered.folder).under("dift")) is Results


@pytest.mark.slow
def test_every_question_is_answered_as_by_the_functions_below(answered):
    assert answered.top(number=2).index.tolist() == answered.top().index[:2].tolist()
    assert answered.best().name == answered.top().index[0]
    assert answered.table("layer").title == "Ablation of UNet layer"
    assert len(answered.query("SELECT * FROM configurations")) == len(answered.configurations())
    assert set(answered.importance()["axis"]) == set(answered.axes)
