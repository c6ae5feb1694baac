"""A study as data, and everything that is computed from it: choices, contrasts, statistics, SQL.

`Results` is a study as data: its index, its results, and what they were measured by. The functions
take it, or its frame of results. The packages below: `study.analysis.statistics` (confidence
intervals and paired differences), `study.analysis.importance`, `study.analysis.sql`. Nothing here
needs torch, Matplotlib, Optuna or Ray.

>>> import numpy as np
>>> from study.analysis import pareto_front
>>> accuracy_and_cost = np.array([[0.7, 2.0], [0.6, 1.0], [0.5, 3.0]])
>>> pareto_front(accuracy_and_cost, [True, False]).tolist()
[0, 1]
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
