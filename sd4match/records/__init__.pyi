from .parquet import (
    about_of as about_of,
    damaged as damaged,
    read as read,
    settings_of as settings_of,
    write as write,
)
from .predictions import (
    read_predictions as read_predictions,
    write_predictions as write_predictions,
)
from .truth import (
    pairs_on_record as pairs_on_record,
    read_truth as read_truth,
    truth_files as truth_files,
    write_truth as write_truth,
)
