"""What a CLIP tokenizer does with text, from either layout of its files. Does not load torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sd4match.backbones.folders import read_config

_SPECIAL = {
    "bos_token": "<|startoftext|>",
    "eos_token": "<|endoftext|>",
    "pad_token": "<|endoftext|>",
    "unk_token": "<|endoftext|>",
}
"""The tokens of transformers' ``CLIPTokenizer`` where the files do not name them."""


def tokenizer_content(folder: Path) -> dict[str, Any]:
    """Read what decides the token ids of a text.

    Older versions of transformers write ``vocab.json`` and ``merges.txt``, newer ones
    ``tokenizer.json``, which is read first as they do.

    Args:
        folder: the tokenizer's folder.

    Returns:
        ``vocabulary`` (token -> id, with added tokens), ``merges`` in their order, and the tokens
        for the beginning, end, padding and unknown.

    Raises:
        SD4MatchError: a file is unreadable.
    """
    config = _json(folder / "tokenizer_config.json")
    whole = _json(folder / "tokenizer.json")
    model = whole.get("model") or {}
    if whole:
        vocabulary = dict(model.get("vocab") or {})
        merges = [_merge(each) for each in model.get("merges") or []]
    else:
        vocabulary, merges = _json(folder / "vocab.json"), _merges(folder / "merges.txt")
    added = {token["content"]: token["id"] for token in whole.get("added_tokens") or []}
    if "added_tokens_decoder" in config:
        named = config
        listed = config["added_tokens_decoder"].items()
        added |= {_text(token): int(number) for number, token in listed}
    else:  # files of older versions
        named = {**config, **_json(folder / "special_tokens_map.json")}
        added |= _json(folder / "added_tokens.json")
    special = {name: _text(named.get(name) or default) for name, default in _SPECIAL.items()}
    return {"vocabulary": {**vocabulary, **added}, "merges": merges, **special}


def _json(file: Path) -> dict[str, Any]:
    return read_config(file) if file.is_file() else {}


def _merges(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    # The first line is a comment on the version.
    return [line.strip() for line in lines if line.strip() and not line.startswith("#version")]


def _merge(pair: Any) -> str:
    return pair if isinstance(pair, str) else " ".join(pair)


def _text(token: Any) -> str:
    return str(token["content"]) if isinstance(token, Mapping) else str(token)
