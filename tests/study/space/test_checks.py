"""Checks of what a search space asks for."""

import pytest

from sd4match.errors import SD4MatchError
from study.space.reading import load


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.yaml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


@pytest.mark.slow
def test_names_and_alphas_that_are_given_twice_count_once(write):
    space = load(write("{alphas: [0.1, 0.1], data: {evaluate: [spair, spair]}}"))
    assert space.file.alphas == [0.1]
    assert space.file.data.evaluate == ["spair"]


def test_an_unknown_kind_of_image_encoder_is_refused(write):
    with pytest.raises(SD4MatchError, match=r"mine\.yaml: unknown kind of image encoder 'dinoo'"):
        load(write("image_encoders: {dinoo: x}"))


def test_an_axis_that_varies_nothing_is_told(write, caplog):
    load(write("baseline: {prompt: text}\naxes: {length: [4, 8], layer: [1, 2]}\n"))
    assert caplog.messages == [
        "axes.length varies nothing: it does not apply to the baseline "
        "(prompt=text, localizer=kernel_softmax)"
    ]


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("protocol: dift", "kernel_softmax"),
        ("{protocol: dift, axes: {localizer: [nearest, dense]}}", "kernel_softmax or nearest"),
        ("{protocol: dift, baseline: {localizer: dense}}", None),
        ("{protocol: sd4match}", None),
    ],
)
def test_dift_with_another_localizer_is_told_once(write, caplog, text, others):
    load(write(text))
    told = [message for message in caplog.messages if "DIFT matched by localizer dense" in message]
    assert len(told) == (1 if others else 0)
    assert not others or f"not {others}:" in told[0]


def test_axes_can_be_given_at_once(write):
    space = load(write("baseline: {backbone: nano}\n"), ["axes={layer: [0, 3]}"])
    assert dict(space.axes) == {"layer": (0, 3)}
