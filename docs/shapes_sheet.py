"""Make docs/images/shapes.png, the contact sheet of the tutorial: python docs/shapes_sheet.py"""

from pathlib import Path

from PIL import Image

from sd4match.testbed.shapes import contact_sheet

CATEGORIES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "car", "cat", "chair", "motorbike", "sheep",
)  # fmt: skip

sheet = contact_sheet(CATEGORIES, columns=3, cell=104, seed=1)
# A palette of 256 colours, dithered, makes a third of the bytes.
palette = sheet.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=4)
sheet.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(
    Path(__file__).parent / "images" / "shapes.png", optimize=True
)
