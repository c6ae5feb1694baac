from .cost import Costs as Costs
from .cost import tflop_per_image as tflop_per_image
from .estimates import Estimate as Estimate
from .estimates import estimate as estimate
from .inputs import ABSENT as ABSENT
from .inputs import DataRef as DataRef
from .inputs import Machine as Machine
from .inputs import PromptFile as PromptFile
from .inputs import key_of as key_of
from .inputs import refer as refer
from .plan import Cell as Cell
from .plan import Plan as Plan
from .plan import Planner as Planner
from .stages import Extraction as Extraction
from .stages import Latents as Latents
from .stages import Predict as Predict
from .stages import Tune as Tune
from .stored import Duration as Duration
from .stored import Reuse as Reuse
from .stored import Stored as Stored

__all__ = [
    "ABSENT",
    "Cell",
    "Costs",
    "DataRef",
    "Duration",
    "Estimate",
    "Extraction",
    "Latents",
    "Machine",
    "Plan",
    "Planner",
    "Predict",
    "PromptFile",
    "Reuse",
    "Stored",
    "Tune",
    "estimate",
    "key_of",
    "refer",
    "tflop_per_image",
]
