"""Figures of a study: a registry of kinds, one module each. Matplotlib and seaborn only here.

>>> from study import figures
>>> for view in figures.applicable(study):           # doctest: +SKIP
...     figures.save(view.draw(), folder, view.stem)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
