"""Figures of a study: a registry of kinds, one module each. Matplotlib and seaborn only here.

A `View` is one figure that a study can draw; drawing gives a `Figure` of Matplotlib, and `save`
writes the same bytes for the same figure.

>>> from study import figures
>>> for view in figures.applicable(opened):                # doctest: +SKIP
...     figures.save(view.draw(), folder, view.stem)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
