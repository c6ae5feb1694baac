"""Ways to condition the UNet, written or learned.

A new family is one module with one ``Prompt`` subclass, and its place in ``families.FAMILIES``.
"""

from sd4match.prompts.base import Prompt
from sd4match.prompts.empty import EmptyPrompt
from sd4match.prompts.families import FAMILIES, create, find
from sd4match.prompts.files import load, read_header, save
from sd4match.prompts.single import SinglePrompt
from sd4match.prompts.text import TextPrompt

__all__ = [
    "FAMILIES",
    "EmptyPrompt",
    "Prompt",
    "SinglePrompt",
    "TextPrompt",
    "create",
    "find",
    "load",
    "read_header",
    "save",
]
