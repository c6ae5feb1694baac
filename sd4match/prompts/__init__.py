"""Ways to condition the UNet, written or learned.

A new family is one module with one ``Prompt`` subclass, and its place in ``families.FAMILIES``.
"""

from sd4match.prompts.base import Prompt
from sd4match.prompts.cpm import ConditionalPrompt
from sd4match.prompts.empty import EmptyPrompt
from sd4match.prompts.families import FAMILIES, belongs_to, create, find, require_made_for
from sd4match.prompts.files import load, read_header, save
from sd4match.prompts.per_class import ClassHiddenPrompt, ClassPrompt, serving_category
from sd4match.prompts.single import SingleHiddenPrompt, SinglePrompt
from sd4match.prompts.text import TextPrompt
from sd4match.prompts.textual_inversion import export_textual_inversion
from sd4match.prompts.upstream_export import export_upstream
from sd4match.prompts.upstream_import import import_upstream

__all__ = [
    "FAMILIES",
    "ClassHiddenPrompt",
    "ClassPrompt",
    "ConditionalPrompt",
    "EmptyPrompt",
    "Prompt",
    "SingleHiddenPrompt",
    "SinglePrompt",
    "TextPrompt",
    "belongs_to",
    "create",
    "export_textual_inversion",
    "export_upstream",
    "find",
    "import_upstream",
    "load",
    "read_header",
    "require_made_for",
    "save",
    "serving_category",
]
