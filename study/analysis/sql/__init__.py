"""SQL over a study: documented views in DuckDB, read-only queries, and exports to files.

>>> from study.analysis.sql import VIEWS
>>> list(VIEWS)
['configurations', 'scores', 'keypoints', 'trials', 'stages']
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
