from .querying import FORMATS as FORMATS
from .querying import export as export
from .querying import query as query
from .views import VIEWS as VIEWS
from .views import View as View
from .views import schema as schema

__all__ = [
    "FORMATS",
    "VIEWS",
    "View",
    "export",
    "query",
    "schema",
]
