from .folder import resume as resume
from .folder import run as run
from .folder import run_in_folder as run_in_folder
from .folder import write_curves as write_curves
from .recipe import EPOCHS as EPOCHS
from .recipe import TuningSettings as TuningSettings
from .steps import PromptOptimizer as PromptOptimizer
from .steps import step_loss as step_loss
from .tuning import Tuning as Tuning

__all__ = [
    "EPOCHS",
    "PromptOptimizer",
    "Tuning",
    "TuningSettings",
    "resume",
    "run",
    "run_in_folder",
    "step_loss",
    "write_curves",
]
