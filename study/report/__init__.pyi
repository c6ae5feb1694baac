from .content import Content as Content, collect as collect
from .writing import FORMATS as FORMATS, html as html, markdown as markdown, write as write
