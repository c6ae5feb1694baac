"""The embedded backbone ``nano``: its weights in ``model/``, its vocabulary, and its training.

    >>> from sd4match.testbed import nano
    >>> "car" in nano.WORDS
    True

``python -m sd4match.commands.train_nano RUN`` trains it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
