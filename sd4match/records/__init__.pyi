from .parquet import about_of as about_of
from .parquet import damaged as damaged
from .parquet import read as read
from .parquet import settings_of as settings_of
from .parquet import write as write
from .predictions import read_predictions as read_predictions
from .predictions import write_predictions as write_predictions
from .truth import pairs_on_record as pairs_on_record
from .truth import read_truth as read_truth
from .truth import truth_files as truth_files
from .truth import write_truth as write_truth

__all__ = [
    "about_of",
    "damaged",
    "pairs_on_record",
    "read",
    "read_predictions",
    "read_truth",
    "settings_of",
    "truth_files",
    "write",
    "write_predictions",
    "write_truth",
]
