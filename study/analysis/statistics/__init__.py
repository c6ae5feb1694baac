"""Statistics of PCK: confidence intervals and paired differences that respect shared images.

Pairs of a benchmark share images, so the standard error counts every two pairs
with a common image (docs/explanation/statistics.md). Seeds are a second source of error.

>>> import numpy as np
>>> from study.analysis.statistics import PairSamples, difference, interval
>>> source, target = np.arange(40) % 10, (np.arange(40) + 1 + np.arange(40) // 10) % 10
>>> worse = PairSamples(np.linspace(0.2, 0.8, 40), source, target, np.zeros(40, dtype=int))
>>> better = PairSamples(worse.pck + 0.1, source, target, worse.category)
>>> around = interval(worse)
>>> around.low < around.mean < around.high
True
>>> round(difference(better, worse).effect, 3)
0.1
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
