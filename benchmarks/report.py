"""`study report` of a large study: time, memory, size of the file, first paint in Chromium.

    python -m benchmarks report                             # 2,000 configurations, 12,234 pairs
    python -m benchmarks report --timesteps 5 --pairs 500   # smaller

A factorial of prompts, timesteps, layers and kernel widths, measured with made-up predictions
through the real store, on a generated SPair-71k that is large enough: with images, because the
report shows examples. Making it is not timed; --folder keeps it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np
from tabulate import tabulate

LIMITS = {"seconds": 60.0, "peak memory, MB": 2_000.0, "file, MB": 10.0, "first paint, s": 1.0}
SPACE = """\
design: factorial
baseline: {{backbone: nano, prompt: text, timestep: 0, layer: 1, kernel: 3, image_size: 64}}
axes:
  prompt: [empty, text]
  timestep: {timesteps}
  layer: [0, 1, 2, 3]
  kernel: [1, 2, 3, 5, 7, 9, 11, 15, 20, 30]
data: {{root: {root}, evaluate: [spair], pairs: {pairs}}}
"""
FIRST_PAINT = (
    "performance.getEntriesByType('paint')"
    ".find(entry => entry.name == 'first-contentful-paint').startTime"
)


def make(folder: Path, *, timesteps: int, pairs: int) -> Path:
    """The study's folder: 80 configurations per timestep."""
    from sd4match.pck import GroundTruth
    from sd4match.testbed import shapes
    from study.plan import Planner
    from study.space import configurations, load
    from study.store import Record, StudyFolder
    from study.store.scores import score

    # A category has all ordered pairs of its images: 12 categories of n images are 12 n (n - 1).
    images = int(np.ceil(0.5 + np.sqrt(0.25 + pairs / 12)))
    shapes.generate(folder / "shapes", scale=max(images / 9, 0.3))
    file = folder / "large.yaml"
    space = SPACE.format(root=folder / "shapes", timesteps=list(range(timesteps)), pairs=pairs)
    file.write_text(space, encoding="utf-8")
    loaded = load(str(file), [f"results={folder}/results", "device=cpu", "dtype=float32"])
    plan = Planner(loaded).plan(configurations(loaded))
    study = StudyFolder.of(loaded)
    study.write_space(loaded)
    study.write_plan(plan)
    opened = {stage.data: stage.data.open() for stage in plan.predicts.values()}
    truths = {data: GroundTruth.of(found) for data, found in opened.items()}
    for found in opened.values():
        study.store.write_truth(found)
    recorded = study.store.predicted()
    for key, stage in plan.predicts.items():
        if key in recorded:  # of an earlier run in the same folder
            continue
        truth, settings = truths[stage.data], list(plan.settings[key])
        rng = np.random.default_rng(zlib.crc32(key.encode()))
        spread = 4 + stage.extraction.timestep / 5
        off = rng.normal(0, spread, truth.keypoints.shape)
        found = truth.keypoints + np.stack([off * (1 + 0.1 * layer) for layer, _ in settings])
        found = np.clip(found, 0, truth.sizes[truth.pair] - 1)
        study.store.write_predictions(key, settings, found, truth)
        score(study.store, Record(key, stage.data.fingerprint, 64), settings, loaded.rule)
    counted = {data.split: data.pairs for data in opened}
    print(f"{len(plan.by_configuration):,} configurations, pairs: {counted}")
    return study.path


def measure(study: Path) -> dict[str, float]:
    """Time, memory and size of ``study report``, and the page's first paint."""
    program = "from study.cli import main; main()"
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", program, "report", str(study)]) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit("study report failed")
    page = study / "report.html"
    return {
        "seconds": seconds,
        "peak memory, MB": used.ru_maxrss * 1024 / 1e6,  # KiB on Linux
        "file, MB": page.stat().st_size / 1e6,
        "first paint, s": first_paint(page),
    }


def first_paint(page: Path) -> float:
    """Seconds from opening a page to its first content, the median of five."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        seen = []
        for _ in range(5):
            tab = browser.new_context().new_page()
            tab.goto(page.resolve().as_uri())
            tab.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))")
            seen.append(tab.evaluate(FIRST_PAINT) / 1000)
        browser.close()
    return float(np.median(seen))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timesteps", type=int, default=25, help="80 configurations each")
    parser.add_argument("--pairs", type=int, default=12_234)
    parser.add_argument("--folder", type=Path, help="keeps the study, for another run")
    parser.add_argument("--only-make", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        if given.only_make:
            make(folder, timesteps=given.timesteps, pairs=given.pairs)
            return
        # In a process of its own, so that its memory is not taken for the report's.
        made = [f"--timesteps={given.timesteps}", f"--pairs={given.pairs}", f"--folder={folder}"]
        subprocess.run(
            [sys.executable, "-m", "benchmarks.report", "--only-make", *made], check=True
        )
        found = measure(folder / "results" / "large")
    rows = [(name, f"{number:,.2f}", f"{LIMITS[name]:,.0f}") for name, number in found.items()]
    print(tabulate(rows, headers=["study report", "measured", "at most"], disable_numparse=True))


if __name__ == "__main__":
    main()
