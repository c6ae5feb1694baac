from .contents import Contents as Contents
from .cost import (
    Flops as Flops,
    Footprint as Footprint,
    flops as flops,
    footprint as footprint,
    layer_shapes as layer_shapes,
)
from .extractor import extract as extract
from .latents import Latents as Latents
