from . import nano as nano
from . import shapes as shapes

__all__ = ["nano", "shapes"]
