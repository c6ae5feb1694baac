"""How much each axis matters: shares of variance in a grid, largest differences around a baseline.

`study.Study.importance` chooses the method that the design allows; a search is answered by
`study.search`, because that takes Optuna.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
