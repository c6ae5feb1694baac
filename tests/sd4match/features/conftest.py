import pytest
from safetensors.torch import save

from sd4match.files import seal


@pytest.fixture(scope="session")
def sealed():
    """A function that writes tensors as a cache would."""

    def write(tensors, file):
        file.write_bytes(save(tensors, {seal.ENTRY: seal.BLANK}))
        seal.close(file)

    return write
