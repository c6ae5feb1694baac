"""The contact sheet."""

import pytest
from PIL import Image

from sd4match.testbed.shapes.sheet import contact_sheet


@pytest.mark.slow
def test_contact_sheet():
    marked = contact_sheet(("car", "cat"), columns=1, cell=64)
    bare = contact_sheet(("car", "cat"), columns=1, cell=64, keypoints=False)
    assert isinstance(marked, Image.Image)
    assert marked.size == bare.size
    assert marked.tobytes() != bare.tobytes()
