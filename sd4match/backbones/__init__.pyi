from .architectures import LAYERS as LAYERS
from .architectures import Architecture as Architecture
from .architectures import architecture as architecture
from .devices import choose_device as choose_device
from .devices import choose_dtype as choose_dtype
from .devices import device_name as device_name
from .devices import dtype_name as dtype_name
from .fingerprints import fetch as fetch
from .fingerprints import fingerprint as fingerprint
from .fingerprints import identify as identify
from .folders import NANO_FOLDER as NANO_FOLDER
from .image_encoder_files import fetch_image_encoder as fetch_image_encoder
from .image_encoder_files import identify_image_encoder as identify_image_encoder
from .image_encoder_files import image_encoder_names as image_encoder_names
from .image_encoders import ImageEncoder as ImageEncoder
from .image_encoders import load_image_encoder as load_image_encoder
from .loading import Backbone as Backbone
from .loading import load as load
from .published_configs import Reads as Reads

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
    "device_name",
    "dtype_name",
    "fetch",
    "fetch_image_encoder",
    "fingerprint",
    "identify",
    "identify_image_encoder",
    "image_encoder_names",
    "load",
    "load_image_encoder",
]
