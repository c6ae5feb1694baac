from .training.settings import Settings as Settings, read_settings as read_settings
from .words import WORDS as WORDS
