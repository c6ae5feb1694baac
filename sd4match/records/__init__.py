"""Parquet files of predicted keypoints and of ground truth: what every score is computed from.

>>> from sd4match.records import read_predictions, read_truth
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
