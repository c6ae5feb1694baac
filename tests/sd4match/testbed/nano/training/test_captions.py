"""The captions that the UNet learns from, spelled as the tokenizer does."""

import numpy as np
import pytest
from transformers import CLIPTokenizer

from sd4match.backbones.folders import NANO_FOLDER
from sd4match.testbed.nano.training.captions import (
    BARE,
    EMPTY,
    FULL,
    PLAIN,
    Saying,
    Speller,
    choose,
    describe,
)
from sd4match.testbed.nano.training.corpus import NAMES
from sd4match.testbed.nano.training.models import read_json
from sd4match.testbed.shapes.category import CATEGORIES

CAR = NAMES.index("car")


@pytest.fixture(scope="module")
def speller():
    return Speller(read_json("tokenizer/vocab.json"))


def saying(*names, kind=PLAIN):
    return Saying(kind, names)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (saying(kind=EMPTY), ""),
        (saying(), "a photo of a car"),
        (saying("front wheel", "beak tip"), "a photo of a car , front wheel , beak tip"),
        (saying("front wheel", kind=BARE), "front wheel"),
        (saying("headlight", kind=FULL), "a photo of a red car on grey road , headlight"),
    ],
)
def test_ids_are_the_tokenizers(speller, said, text):
    tokenizer = CLIPTokenizer.from_pretrained(NANO_FOLDER / "tokenizer")
    expected = tokenizer(text, padding="max_length", max_length=77).input_ids
    ids, _ = speller.spell(said, CAR, "a photo of a red car on grey road")
    assert ids.tolist() == expected


def test_owners_tell_whose_name_a_token_is_of(speller):
    ids, owners = speller.spell(saying("rear wheel", "beak tip", "front wheel"), CAR, "")
    own = CATEGORIES["car"].keypoints
    rear, front = (1 + own.index(f"{end} wheel") for end in ("rear", "front"))
    # BOS, a photo of a car, comma, rear wheel, comma, beak tip, comma, front wheel, EOS
    assert owners[:16].tolist() == [0] * 7 + [rear, rear, 0, 255, 255, 0, front, front, 0]
    assert owners.shape == ids.shape == (77,)
    assert not owners[16:].any()


def test_names_that_do_not_fit_are_left_out_whole(speller):
    full = ["beak tip"] * 22 + ["headlight"]  # with "a photo of a car" 73 words; 75 have room
    own = CATEGORIES["car"].keypoints
    end = read_json("tokenizer/vocab.json")["<|endoftext|>"]
    ids, owners = speller.spell(saying(*full, "taillight"), CAR, "")
    assert ids[76] == end
    assert owners[75] == 1 + own.index("taillight")
    ids, owners = speller.spell(saying(*full, "front wheel", "taillight"), CAR, "")
    assert ids[74:].tolist() == [end, 0, 0]
    assert set(owners.tolist()) == {0, 255, 1 + own.index("headlight")}


def test_choices_are_of_every_kind_and_consistent():
    rng = np.random.default_rng(0)
    kinds = set()
    for _ in range(300):
        category = int(rng.integers(len(NAMES)))
        said = choose(category, rng)
        kinds.add((said.kind, bool(said.names)))
        assert len(set(said.names)) == len(said.names)
        own = CATEGORIES[NAMES[category]].keypoints
        assert not said.names or set(said.names) & set(own)
    assert kinds == {(EMPTY, False), (PLAIN, False), (PLAIN, True), (FULL, False), (FULL, True),
                     (BARE, True)}  # fmt: skip


def test_a_choice_is_its_generators():
    again = [choose(CAR, np.random.default_rng(7)) for _ in range(2)]
    assert again[0] == again[1]


def test_descriptions_name_no_landmarks_and_are_sometimes_empty():
    rng = np.random.default_rng(0)
    said = [describe(rng) for _ in range(100)]
    assert {each.kind for each in said} == {EMPTY, PLAIN, FULL}
    assert not any(each.names for each in said)
