from .architectures import (
    LAYERS as LAYERS,
    Architecture as Architecture,
    architecture as architecture,
)
from .devices import (
    choose_device as choose_device,
    choose_dtype as choose_dtype,
    device_name as device_name,
    dtype_name as dtype_name,
)
from .fingerprints import fetch as fetch, fingerprint as fingerprint, identify as identify
from .folders import NANO_FOLDER as NANO_FOLDER
from .image_encoder_facts import ImageEncoderFacts as ImageEncoderFacts
from .image_encoder_files import (
    fetch_image_encoder as fetch_image_encoder,
    identify_image_encoder as identify_image_encoder,
    image_encoder_names as image_encoder_names,
)
from .image_encoders import ImageEncoder as ImageEncoder, load_image_encoder as load_image_encoder
from .loading import Backbone as Backbone, load as load
from .published_configs import Reads as Reads
