"""Ablation studies of prompted Stable Diffusion features: ask many questions, keep every answer.

`open` gives a finished or running study as a `Study`: the best configuration, tables, figures and
SQL over everything that was measured. Importing this package loads nothing heavy.

>>> import study
>>> quickstart = study.open("results/quickstart")           # doctest: +SKIP
>>> quickstart.best()                                       # doctest: +SKIP
>>> print(quickstart.table("timestep").markdown())          # doctest: +SKIP
>>> of_spair = "dataset = 'spair' AND split = 'val' AND alpha = 0.1"
>>> quickstart.query(
...     f"SELECT prompt, max(pck) FROM scores WHERE {of_spair} GROUP BY prompt"
... )  # doctest: +SKIP
"""

from pathlib import Path
from typing import TYPE_CHECKING

import lazy_loader

from sd4match import __version__ as __version__

if TYPE_CHECKING:
    from study.study import Study

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"study": ["Study"]})
__all__ += ["__version__", "open"]


def open(path: str | Path) -> "Study":  # noqa: A001 - the public name
    """Open a study by its folder; see `study.study.Study`.

    Args:
        path: ``results/<name>``, or a URL.

    Raises:
        SD4MatchError: there is no study; the message lists those beside it.
    """
    from study.study import open_study  # imported here, so that `import study` stays instant

    return open_study(path)
