from .training.settings import Settings as Settings
from .training.settings import read_settings as read_settings
from .words import WORDS as WORDS

__all__ = ["WORDS", "Settings", "read_settings"]
