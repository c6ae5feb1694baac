from .folder import (
    resume as resume,
    run as run,
    run_in_folder as run_in_folder,
    write_curves as write_curves,
)
from .recipe import EPOCHS as EPOCHS, TuningSettings as TuningSettings
from .steps import PromptOptimizer as PromptOptimizer, step_loss as step_loss
from .tuning import Tuning as Tuning
