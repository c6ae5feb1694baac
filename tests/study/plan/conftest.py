"""Plans for the tests of this package."""

import pytest

from study.plan.estimates import estimate
from study.plan.plan import Planner
from study.plan.stored import Stored
from study.space.designs import configurations
from study.space.metric import Rule
from study.space.reading import load


@pytest.fixture
def plan_of(tmp_path):
    """Plans a space over data sets that are not there, by their published sizes."""

    def plan_of(text, *overrides):
        (tmp_path / "mine.yaml").write_text(text)
        root = f"data.root={tmp_path / 'nowhere'}"
        space = load(str(tmp_path / "mine.yaml"), [root, *overrides])
        plan = Planner(space).plan(configurations(space))
        return plan, estimate(plan, Stored(), Rule((0.1,), "sd4match"), {})

    return plan_of
