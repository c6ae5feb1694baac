"""Records: Parquet files of predicted keypoints and of ground truth.

Every score is computed from them. Does not load torch.

    >>> from sd4match import records
    >>> truth, pairs = records.read_truth(folder, fingerprint)          # doctest: +SKIP
    >>> positions = records.read_predictions(file, truth)               # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
