from .content import Content as Content
from .content import collect as collect
from .writing import html as html
from .writing import markdown as markdown
from .writing import write as write

__all__ = [
    "Content",
    "collect",
    "html",
    "markdown",
    "write",
]
