"""Search with Optuna: paid axes are proposed, free axes are answered exactly. Optuna only here.

`OptunaSearch` yields the plans of a search, `Record` keeps its trials, and `importance` says which
axes matter.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
