"""From records to numbers: a study as data, its comparisons, choices and statistics.

No torch, Matplotlib, Optuna or Ray.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
