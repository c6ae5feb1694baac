"""Output on terminals and pipes of any encoding: what cannot be shown is replaced."""

import codecs
import io
import sys
import unicodedata

_PLAIN = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": "x", "·": ".", "•": "*",
    "≤": "<", "≥": ">", "≈": "~", "→": ">", "←": "<", "↑": "^", "↓": "v", "±": "+",
    "‘": "'", "’": "'", "“": '"', "”": '"', "†": "+", "‡": "#", "─": "-", "━": "-", "│": "|",
    "┃": "|", "├": "|", "└": "`", "┌": "+", "┐": "+", "┘": "+", "┬": "+", "┴": "+", "┼": "+",
    "█": "#", "✓": "v", "✗": "x",
}  # fmt: skip
"""A character of the same width, so that tables stay aligned."""
_lost: list[str] = []  # characters that nothing could stand for


def adapt() -> None:
    """Let standard output and error replace what their encoding cannot show."""
    codecs.register_error("sd4match.plain", _plain)
    codecs.register(_seven_bits)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None if it is closed
            plain = codecs.lookup(stream.encoding).name == "ascii"
            encoding = "sd4match_ascii" if plain else stream.encoding
            stream.reconfigure(encoding=encoding, errors="sd4match.plain")


def lost() -> str | None:
    """What to tell the reader of replaced characters; None if others stood for all of them."""
    if not _lost:
        return None
    many = f"{len(_lost)} characters" if len(_lost) > 1 else "1 character"
    _lost.clear()
    return f"note: ? stands for {many} that the output's encoding lacks: PYTHONIOENCODING=utf-8"


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Stand-ins of the characters that cannot be encoded: see `codecs.register_error`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = ""
    for character in error.object[error.start : error.end]:
        base = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        plain = _PLAIN.get(character) or base
        if not plain and not unicodedata.combining(character):
            plain = "?"
            _lost.append(character)
        shown += plain
    return shown, error.end


def _seven_bits(name: str) -> codecs.CodecInfo | None:
    """ASCII by another name: Typer writes UTF-8 into streams that are called ASCII."""
    if name != "sd4match_ascii":
        return None
    ascii_ = codecs.lookup("ascii")
    return codecs.CodecInfo(
        name=name,
        encode=ascii_.encode,
        decode=ascii_.decode,
        incrementalencoder=ascii_.incrementalencoder,
        incrementaldecoder=ascii_.incrementaldecoder,
        streamreader=ascii_.streamreader,
        streamwriter=ascii_.streamwriter,
    )
