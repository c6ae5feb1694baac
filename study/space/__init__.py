"""What is asked: the search-space file, its axes, configurations, designs and metrics.

`load` reads and checks a file; `configurations` lists what its design measures.

>>> from study import space
>>> quickstart = space.load("quickstart")
>>> quickstart.name
'quickstart'
>>> len(list(space.configurations(quickstart)))
23
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
