"""Figures of the report."""

import pytest

from study.figures import kinds


@pytest.mark.slow
def test_every_figure_without_a_model_is_shown(study, content):
    wanted = {
        view.stem
        for view in kinds.applicable(study)
        if view.kind.reads != "model" and view.kind.name not in ("examples", "importance")
    }
    own = {section.picture.stem for section in content.sections}
    rest = {picture.stem for picture in content.pictures}
    assert own == {f"axis-{axis}" for axis in study.axes}
    assert own | rest == wanted
    assert not own & rest
