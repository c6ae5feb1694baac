from .querying import FORMATS as FORMATS
from .querying import export as export
from .querying import query as query
from .views import VIEWS as VIEWS
from .views import schema as schema
from .views import views_of as views_of

__all__ = [
    "FORMATS",
    "VIEWS",
    "export",
    "query",
    "schema",
    "views_of",
]
