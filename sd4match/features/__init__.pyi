from .contents import Contents as Contents
from .cost import Flops as Flops
from .cost import Footprint as Footprint
from .cost import flops as flops
from .cost import footprint as footprint
from .cost import layer_shapes as layer_shapes
from .extractor import extract as extract
from .latents import Latents as Latents

__all__ = [
    "Contents",
    "Flops",
    "Footprint",
    "Latents",
    "extract",
    "flops",
    "footprint",
    "layer_shapes",
]
