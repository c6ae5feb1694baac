"""Learning a prompt: the recipe, its steps, and a folder that an interrupted run continues from.

>>> from sd4match.tuning import TuningSettings
>>> TuningSettings().steps
29500
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
