from .base import MadeFor as MadeFor, Prompt as Prompt
from .cpm import ConditionalPrompt as ConditionalPrompt
from .families import (
    FAMILIES as FAMILIES,
    belongs_to as belongs_to,
    create as create,
    find as find,
    require_made_for as require_made_for,
)
from .family_facts import (
    KNOWN as KNOWN,
    SOURCES as SOURCES,
    Dependence as Dependence,
    Family as Family,
    serving_category as serving_category,
)
from .files import load as load, save as save
from .header import read_header as read_header
from .learned import (
    ClassHiddenPrompt as ClassHiddenPrompt,
    ClassPrompt as ClassPrompt,
    SingleHiddenPrompt as SingleHiddenPrompt,
    SinglePrompt as SinglePrompt,
)
from .text import EmptyPrompt as EmptyPrompt, TextPrompt as TextPrompt
from .textual_inversion import export_textual_inversion as export_textual_inversion
from .upstream_export import export_upstream as export_upstream
from .upstream_import import import_upstream as import_upstream
