"""A tokenizer's content is read as transformers reads it, from either layout."""

import json
import shutil

import pytest
from transformers import CLIPTokenizer

from sd4match.backbones.folders import NANO_FOLDER
from sd4match.backbones.tokenizer_content import tokenizer_content


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(NANO_FOLDER / "tokenizer", tmp_path / "tokenizer")


def content_of(tokenizer):
    """As transformers has it in memory."""
    special = ("bos_token", "eos_token", "pad_token", "unk_token")
    return {
        "vocabulary": tokenizer.get_vocab(),
        **{name: getattr(tokenizer, name) for name in special},
    }


def edit(file, **changes):
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def as_it_is(folder):
    pass


def padding_in_both_files(folder):
    edit(folder / "tokenizer_config.json", pad_token="a")
    edit(folder / "special_tokens_map.json", pad_token={"content": "b", "lstrip": False})


def listed_tokens(folder):
    token = {"content": "<|endoftext|>", "special": True}
    edit(
        folder / "tokenizer_config.json",
        added_tokens_decoder={"1925": token},
        pad_token="<|endoftext|>",
    )


def added_token(folder):
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<my-cat>"])
    tokenizer.save_pretrained(folder)


def added_token_of_older_versions(folder):
    (folder / "added_tokens.json").write_text('{"<my-cat>": 1926}')


@pytest.mark.parametrize(
    "change",
    [as_it_is, padding_in_both_files, listed_tokens, added_token, added_token_of_older_versions],
    ids=lambda change: change.__name__,
)
def test_it_is_what_transformers_reads(folder, tmp_path, change):
    change(folder)
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    found = tokenizer_content(folder)
    assert {**found, **content_of(tokenizer)} == found
    assert len(found["merges"]) > 1000
    tokenizer.save_pretrained(tmp_path / "again")
    assert tokenizer_content(tmp_path / "again") == found


def test_merges_are_pairs_or_lines(folder, tmp_path):
    CLIPTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "new")
    file = tmp_path / "new" / "tokenizer.json"
    content = json.loads(file.read_text())
    before = tokenizer_content(tmp_path / "new")
    merges = content["model"]["merges"]
    content["model"]["merges"] = [
        m.split(" ") if isinstance(m, str) else " ".join(m) for m in merges
    ]
    file.write_text(json.dumps(content))
    assert tokenizer_content(tmp_path / "new") == before
