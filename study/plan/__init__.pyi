from .cost import Costs as Costs, tflop_per_image as tflop_per_image
from .estimates import Estimate as Estimate, estimate as estimate
from .inputs import (
    ABSENT as ABSENT,
    DataRef as DataRef,
    Machine as Machine,
    PromptFile as PromptFile,
    key_of as key_of,
    refer as refer,
)
from .plan import Cell as Cell, Plan as Plan, Planner as Planner
from .stages import Extraction as Extraction, Latents as Latents, Predict as Predict, Tune as Tune
from .stored import Duration as Duration, Reuse as Reuse, Stored as Stored
