from .base import MadeFor as MadeFor
from .base import Prompt as Prompt
from .cpm import ConditionalPrompt as ConditionalPrompt
from .families import FAMILIES as FAMILIES
from .families import belongs_to as belongs_to
from .families import create as create
from .families import find as find
from .families import require_made_for as require_made_for
from .family_facts import KNOWN as KNOWN
from .family_facts import SOURCES as SOURCES
from .family_facts import Dependence as Dependence
from .family_facts import Family as Family
from .family_facts import serving_category as serving_category
from .files import load as load
from .files import save as save
from .header import read_header as read_header
from .learned import ClassHiddenPrompt as ClassHiddenPrompt
from .learned import ClassPrompt as ClassPrompt
from .learned import SingleHiddenPrompt as SingleHiddenPrompt
from .learned import SinglePrompt as SinglePrompt
from .text import EmptyPrompt as EmptyPrompt
from .text import TextPrompt as TextPrompt
from .textual_inversion import export_textual_inversion as export_textual_inversion
from .upstream_export import export_upstream as export_upstream
from .upstream_import import import_upstream as import_upstream

__all__ = [
    "FAMILIES",
    "KNOWN",
    "SOURCES",
    "ClassHiddenPrompt",
    "ClassPrompt",
    "ConditionalPrompt",
    "Dependence",
    "EmptyPrompt",
    "Family",
    "MadeFor",
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
