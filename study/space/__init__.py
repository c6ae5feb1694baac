"""What is asked: the search-space file, its axes, configurations, designs and metrics.

>>> from study import space
>>> space.load("quickstart").name
'quickstart'
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
