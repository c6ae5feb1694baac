from .content import Content as Content
from .content import collect as collect
from .writing import FORMATS as FORMATS
from .writing import html as html
from .writing import markdown as markdown
from .writing import write as write

__all__ = [
    "FORMATS",
    "Content",
    "collect",
    "html",
    "markdown",
    "write",
]
