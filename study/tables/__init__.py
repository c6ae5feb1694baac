"""Tables and texts about a study: ablations, overview, best configurations, comparison, status.

Every table says how its numbers were made: training, fidelity, selection, pairs, protocol. The
functions take `study.analysis.Results`; the numbers behind a `Table` are in its ``raw`` frame.

>>> from study import tables
>>> tables.study_table(opened, "timestep").markdown()              # doctest: +SKIP
>>> tables.pivot([opened], tables.Layout(("prompt",))).latex()        # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
