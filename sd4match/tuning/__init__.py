"""Tuning: learning a prompt, in a folder from which an interrupted run resumes.

``Tuning`` learns one epoch at a time, ``run_in_folder`` keeps checkpoints, curves and the best
prompt.

    >>> from sd4match.tuning import TuningSettings
    >>> TuningSettings(steps=29_635).learning_rate
    0.01
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
