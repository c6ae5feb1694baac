"""Make docs/images/report-light.png and report-phone-dark.png, the sample study's report.

python docs/report_sheet.py [FOLDER]

Needs the store of the study, the images it was measured on, and Chromium.
"""

import os
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import study
from study.report.writing import write

SHOTS = {  # name: width, height, pixels a CSS pixel, colours
    "report-light": (1280, 1000, 1.0, "light"),
    "report-phone-dark": (375, 812, 2.0, "dark"),
}

root = Path(__file__).parent
opened = study.open(sys.argv[1] if len(sys.argv) > 1 else root.parent / "results" / "sample")
with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
    page = write(opened, out=Path(folder) / "report.html")
    # As root, as in a container, there is no sandbox.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
    for name, (width, height, scale, scheme) in SHOTS.items():
        tab = browser.new_page(
            viewport={"width": width, "height": height},
            device_scale_factor=scale,
            color_scheme=scheme,
        )
        tab.goto(page.as_uri())
        file = root / "images" / f"{name}.png"
        tab.screenshot(path=str(file))
        # Letters and lines on plain ground: 256 colours are enough.
        with Image.open(file) as shot:
            shot.convert("RGB").quantize(256).save(file, optimize=True)
    browser.close()
