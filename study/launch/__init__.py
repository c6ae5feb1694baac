"""A launch from start to end: plan once, lock, compute, show progress, write tables and figures.

`launch_report` runs a study or continues it; `preview` only plans it and counts what would run;
`update_answers` writes the tables and figures of a study if what they show has changed.

Example:
    >>> from study import launch, space
    >>> loaded = space.load("quickstart", ["data.pairs=20"])      # doctest: +SKIP
    >>> plan, estimate, text = launch.preview(loaded)             # doctest: +SKIP
    >>> summary, status = launch.launch_report(loaded, None)    # doctest: +SKIP
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
