"""What a file may say under ``search``, and what is refused when it is read."""

import pytest

from sd4match.errors import SD4MatchError
from study.space.reading import load
from study.space.search_settings import paid_axes, points

SPACE = """
baseline: {prompt: single}
axes:
  timestep: [0, 261]
  layer: [0, 1]
  prompt: [text, single]
  train: {kernel_size: [3, 7]}
design: search
"""


@pytest.fixture
def space(tmp_path):
    (tmp_path / "mine.yaml").write_text(SPACE)
    return lambda *overrides: load(str(tmp_path / "mine.yaml"), overrides)


@pytest.mark.slow
def test_paid_axes_begin_with_the_prompt(space):
    assert list(paid_axes(space())) == ["prompt", "timestep", "train.kernel_size"]
    assert list(paid_axes(space("tie=true"))) == [
        "prompt", "timestep", "layer", "train.kernel_size",
    ]  # fmt: skip


def test_points_are_read_as_axes_are(space, tmp_path):
    given = "search: {points: [{train: {kernel_size: 3}, prompt: text}, {train.kernel_size: 7}]}"
    (tmp_path / "mine.yaml").write_text(SPACE + given)
    assert points(space()) == [
        {"train.kernel_size": 3, "prompt": "text"},
        {"train.kernel_size": 7},
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("search.sampler=tp", "search.sampler: unknown sampler 'tp': did you mean 'tpe'"),
        ("search.sampler={n: 1}", "None is no sampler of Optuna's"),
        ("search.sampler={_target_: os.system}", "os.system is no sampler of Optuna's"),
        (
            "search.sampler={_target_: optuna.samplers.PartialFixedSampler, "
            "base_sampler: {_target_: os.system}}",
            "plain numbers, words and lists here",
        ),
        (
            "search.sampler={_target_: optuna.samplers.TPESampler, _args_: [1]}",
            "plain numbers, words and lists here",
        ),
        ("search.points=[{timstep: 1}]", r"points\[0\]: unknown paid axis .*'timestep'"),
        ("search.points=[{layer: 1}]", r"points\[0\]: unknown paid axis of this search 'layer'"),
        ("search.points=[{},{timestep: 5}]", r"points\[1\]: axes.timestep has no 5: .* 0, 261"),
        ("search.points=[{timestep: x}]", "axis timestep: 'x' is impossible"),
        ("search.asha=1", "search.asha: keep one in 2 or more"),
        ("search.storage='mysql://me:secret@host/db'", r"me:\*\*\*@host/db: its password would"),
        (
            "search.storage='mysql://host/db?password=secret'",
            r"password=\*\*\*: its password would",
        ),
        ("search.samples=0", "search.samples: expected at least 1"),
    ],
)
def test_mistakes_are_one_line(space, override, complaint):
    with pytest.raises(SD4MatchError, match=complaint) as error:
        space(override)
    assert str(error.value).startswith("override ")
    assert "secret" not in str(error.value)  # of the storage's URL
    assert "\n" not in str(error.value)
