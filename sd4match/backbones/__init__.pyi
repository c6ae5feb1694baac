from .architectures import LAYERS as LAYERS
from .architectures import Architecture as Architecture
from .architectures import architecture as architecture
from .devices import choose_device as choose_device
from .devices import choose_dtype as choose_dtype
from .fingerprints import fetch as fetch
from .fingerprints import fingerprint as fingerprint
from .fingerprints import identify as identify
from .folders import NANO_FOLDER as NANO_FOLDER
from .image_encoders import ImageEncoder as ImageEncoder
from .image_encoders import Reads as Reads
from .image_encoders import fetch_image_encoder as fetch_image_encoder
from .image_encoders import identify_image_encoder as identify_image_encoder
from .image_encoders import load_image_encoder as load_image_encoder
from .loading import Backbone as Backbone
from .loading import image_encoder_names as image_encoder_names
from .loading import load as load

__all__ = [
    "LAYERS",
    "NANO_FOLDER",
    "Architecture",
    "Backbone",
    "ImageEncoder",
    "Reads",
    "architecture",
    "choose_device",
    "choose_dtype",
    "fetch",
    "fetch_image_encoder",
    "fingerprint",
    "identify",
    "identify_image_encoder",
    "image_encoder_names",
    "load",
    "load_image_encoder",
]
