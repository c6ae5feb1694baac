from . import nano as nano, shapes as shapes
