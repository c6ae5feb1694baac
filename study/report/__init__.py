"""One page about a study: summary, figures, sortable tables, example pairs, cost and provenance.

`collect` gathers the content, `html` and `markdown` render it, `write` does both. The HTML page
needs no other file and no network, and the same study gives the same bytes.

>>> from study import report
>>> report.write(opened, form="html")                      # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
