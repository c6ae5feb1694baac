"""SD4Match Study: ablation studies of prompted Stable Diffusion features on Ray."""

from pathlib import Path
from typing import TYPE_CHECKING

from sd4match import __version__ as __version__

if TYPE_CHECKING:
    from study.study import Study

__all__ = ["__version__", "open"]


def open(path: str | Path) -> "Study":  # noqa: A001 - the public name, as DESIGN.md fixes it
    """Open a study by its folder, ``results/<name>``; see `study.study.Study`.

    Raises:
        SD4MatchError: there is no study; the message lists those beside it.
    """
    from study.study import open_study  # imported here, so that `import study` stays instant

    return open_study(path)
