from .querying import FORMATS as FORMATS, export as export, query as query
from .views import VIEWS as VIEWS, schema as schema, views_of as views_of
