from . import backbones as backbones
from . import datasets as datasets
from . import errors as errors
from . import features as features
from . import files as files
from . import losses as losses
from . import matching as matching
from . import pck as pck
from . import prediction as prediction
from . import prompts as prompts
from . import records as records
from . import testbed as testbed
from . import tuning as tuning
from . import visualize as visualize

__version__: str
