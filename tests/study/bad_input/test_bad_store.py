"""Damage in the store: what is answered is what was answered before, or one line says why not."""

import random
import re

import pytest

from .cases import a_folder, emptied, garbled, removed, truncated, write
from .world import fork, measured

QUESTION = ("study", "table", "small", "layer", "--format", "csv")  # reads all that is asked for
FILES = {
    "scores": "results/store/score/*/*.parquet",
    "predictions": "results/store/predict/*/*.parquet",
    "truth": "results/store/truth/*[0-9a-f].parquet",
    "pairs": "results/store/truth/*-pairs.parquet",
}


def flipped(content, rng):
    """One bit changed."""
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


def swapped(world, rng, pattern):
    """Two files of a kind under each other's names."""
    one, other = rng.sample(sorted(world.glob(pattern)), 2)
    contents = one.read_bytes(), other.read_bytes()
    write(one, contents[1])
    write(other, contents[0])


def damages():
    for kind in FILES:
        for how in (emptied, garbled, truncated, flipped, swapped, removed, a_folder):
            if (kind, how) != ("predictions", removed):  # then there is less to answer, rightly
                yield kind, how


DECIMAL = re.compile(r"-?\d+\.\d+(?:e-\d+)?")


def parts(table):
    """A table's decimal numbers, whose last digits depend on the order of sums, and the rest."""
    return [float(number) for number in DECIMAL.findall(table)], DECIMAL.sub("number", table)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "how"), [*damages()], ids=lambda part: getattr(part, "__name__", part)
)
def test_no_number_is_wrong(kind, how, world, command, tmp_path):
    answer = command(world, *QUESTION).out
    for seed in range(4 if how is flipped else 1):
        copy = fork(world, tmp_path / f"copy{seed}")
        rng, pattern = random.Random(f"{seed} {kind}"), FILES[kind]
        if how is swapped:
            swapped(copy, rng, pattern)
        elif how in (removed, a_folder):
            how(pattern)(copy, rng)
        else:
            file = rng.choice(sorted(copy.glob(pattern)))
            write(file, how(file.read_bytes(), rng))
        before = measured(copy)
        ended = command(copy, *QUESTION)
        if ended.code:
            assert ended.err.startswith("error: ")
            assert ended.err.count("\n") == 1, ended.err
        else:
            (found, rest), (numbers, text) = parts(ended.out), parts(answer)
            assert rest == text
            assert found == pytest.approx(numbers, rel=1e-12)
        left = measured(copy)  # what is whole stays: a damaged file alone may be put right
        assert sum(left.get(file) != content for file, content in before.items()) <= 1
