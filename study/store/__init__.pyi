from .mirror import Mirror as Mirror
from .scores import Averages as Averages, Record as Record
from .store import Store as Store
from .study_folder import StudyFolder as StudyFolder
