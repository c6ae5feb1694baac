from pathlib import Path

from .study import Study as Study

__version__: str

def open(path: str | Path) -> Study: ...

__all__ = ["Study", "__version__", "open"]
