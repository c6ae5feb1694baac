"""Peak memory of prediction for 200 and for 2,000 pairs.

    python -m benchmarks prediction_memory [--pairs 200 2000]

nano at 128 pixels, all four layers, on generated pairs spread over the same 168 images: ten times
the pairs is all that changes. Each number of pairs has a process of its own, whose peak is counted
from the end of a first prediction of two pairs, so that it holds neither libraries nor models.
What may grow is printed beside it: the answer itself, and with more images the VAE moments kept
for them (8 numbers a latent cell), but not features. Linux only, for it reads /proc.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tabulate import tabulate

LAYERS = (0, 1, 2, 3)
MIB = 2**20


def main() -> None:
    """Print one row per number of pairs, and the ratio of the last peak to the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=[200, 2000])
    parser.add_argument("--measure", metavar="FOLDER", help="be one of the processes")
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(Path(arguments.measure), arguments.pairs[0])))
        return

    from sd4match.testbed.shapes import generate

    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "shapes")
        rows = [in_a_process(Path(folder) / "shapes", n) for n in arguments.pairs]
    print(tabulate(rows, headers="keys", tablefmt="github", floatfmt=".1f"))
    first, last = (row["peak of prediction, MiB"] for row in (rows[0], rows[-1]))
    print(f"ratio of the peaks, {arguments.pairs[-1]} to {arguments.pairs[0]}: {last / first:.2f}")


def in_a_process(folder: Path, n_pairs: int) -> dict[str, float]:
    """What `measure` finds in a fresh Python."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.prediction_memory",
        "--measure",
        str(folder),
        "--pairs",
        str(n_pairs),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return row


def measure(folder: Path, n_pairs: int) -> dict[str, float]:
    """Predict, and say how far the process's memory rose above what it was before."""
    from sd4match import backbones, prompts
    from sd4match.datasets import load
    from sd4match.features import Latents, layer_shapes
    from sd4match.matching import Readout
    from sd4match.prediction import predict

    every = load("spair", folder, "train")
    if n_pairs > len(every):
        raise SystemExit(f"--pairs {n_pairs}: the generated data set has {len(every)}")
    pairs = every.subset(i * len(every) // n_pairs for i in range(n_pairs))
    nano = backbones.load("nano", device="cpu")
    prompt = prompts.create("text", nano)
    settings = [(layer, Readout()) for layer in LAYERS]
    predict(nano, prompt, pairs[:2], ensemble=1, settings=settings)

    latents = Latents(nano)
    before = reset_peak()
    predicted = predict(nano, prompt, pairs, ensemble=1, settings=settings, latents=latents)
    peak = memory("VmHWM") - before

    images = {path for pair in pairs for path in (pair.source_path, pair.target_path)}
    mean, std = latents.moments(pairs[0], "source")
    shapes = layer_shapes(nano.architecture, latents.image_size).values()
    return {
        "pairs": n_pairs,
        "images": len(images),
        "peak of prediction, MiB": peak / MIB,
        "moments, MiB": len(images) * (mean.nbytes + std.nbytes) / MIB,
        "positions, MiB": predicted.nbytes / MIB,
        "(all features, MiB)": len(images) * sum(4 * c * h * w for c, h, w in shapes) / MIB,
    }


def reset_peak() -> int:
    """Start counting the peak again; return the bytes in use now."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(field: str) -> int:
    """Bytes that the kernel says this process has: VmRSS now, VmHWM at the peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(field)).split()[1])


if __name__ == "__main__":
    main()
