"""One page that tells a study: summary, figures, sortable tables, example pairs."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
