from . import (
    backbones as backbones,
    datasets as datasets,
    errors as errors,
    features as features,
    files as files,
    losses as losses,
    matching as matching,
    pck as pck,
    prediction as prediction,
    prompts as prompts,
    records as records,
    testbed as testbed,
    tuning as tuning,
    visualize as visualize,
)

__version__: str
