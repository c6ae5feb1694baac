from .mirror import Mirror as Mirror
from .scores import Averages as Averages
from .scores import Record as Record
from .store import Store as Store
from .study_folder import StudyFolder as StudyFolder

__all__ = [
    "Averages",
    "Mirror",
    "Record",
    "Store",
    "StudyFolder",
]
