"""Paired statistics of PCK: confidence intervals and differences that respect shared images.

>>> import numpy as np
>>> from study.analysis.statistics import PairSamples, interval
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
