"""CPU time of whole commands, as a ratio to `python -c "import pandas"`.

    python -m benchmarks commands [--repetitions 5] [--only best]

User and system seconds of each command with all its children, in rounds that take every command
once, so that other work on the machine slows them alike. A ratio is the median over the rounds of
each round's own. Questions go to `results/sample`. The last command launches a study again that is
finished: nano on a tenth of the generated benchmark, launched once before. Python keeps its
bytecode, as it does for users.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tabulate import tabulate

from sd4match.testbed.shapes import generate

ROOT = Path(__file__).parents[1]
SAMPLE = str(ROOT / "results" / "sample")
TINY = """\
name: tiny
baseline: {backbone: nano, prompt: empty, ensemble: 1}
axes: {layer: [1, 2], kernel: [3, 7]}
data: {evaluate: [spair], pairs: 12, root: data}
device: cpu
"""
PANDAS = "import pandas"
STUDY = "from study.cli import main; main()"
SD4MATCH = "from sd4match.cli import main; main()"
# What is run: words, the program, the most that its ratio may be, and whether it succeeds.
COMMANDS: list[tuple[str, str, float, bool]] = [
    *((f"{command} --help".strip(), STUDY, 0.5, True) for command in (
        "", "plan", "launch", "status", "best", "query", "compare", "table", "plot", "report",
        "export", "stop", "list", "rm", "gc",
    )),
    *((f"{command} --help".strip(), SD4MATCH, 0.5, True) for command in (
        "", "match", "predict", "score", "tune", "data", "prompts", "show",
    )),
    ("status STUDY", STUDY, 1.5, True),
    ("best STUDY", STUDY, 2.5, True),
    ("table STUDY", STUDY, 2.5, True),
    ("best STUDY --pareto pck,cost", STUDY, 3.0, True),
    ("plan quickstart", STUDY, 3.0, True),
    ("plan unknown", STUDY, 1.0, False),
    ("launch tiny.yaml", STUDY, 4.0, True),
]  # fmt: skip


def cpu_seconds(program: str, words: list[str], folder: Path, *, succeeds: bool) -> float:
    """User and system seconds of a program with all its children that it waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=folder, env={**kept, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True, text=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if (done.returncode == 0) != succeeds:
        raise SystemExit(f"{' '.join(words)}: exit status {done.returncode}\n{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def prepare(folder: Path) -> None:
    """Make generated data and a study that is finished."""
    shutil.copytree(ROOT / "search_spaces", folder / "search_spaces")
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    generate(folder / "data", scale=0.1)
    cpu_seconds(STUDY, ["launch", "tiny.yaml"], folder, succeeds=True)


def main() -> int:
    """Print a row for each command; the number of those above their limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--only", default="", help="commands with this in them")
    options = parser.parse_args()
    commands = [command for command in COMMANDS if options.only in command[0]]
    ratios: list[list[float]] = [[] for _ in commands]
    pandas = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepare(folder)
        # The first round fills caches and is not counted.
        for repetition in range(options.repetitions + 1):
            unit = cpu_seconds(PANDAS, [], folder, succeeds=True)
            for (words, program, _, succeeds), found in zip(commands, ratios, strict=True):
                line = [SAMPLE if word == "STUDY" else word for word in words.split()]
                seconds = cpu_seconds(program, line, folder, succeeds=succeeds)
                if repetition:
                    found.append(seconds / unit)
            if repetition:
                pandas.append(unit)
    above = 0
    rows = []
    for (words, program, limit, _), found in zip(commands, ratios, strict=True):
        ratio = statistics.median(found)
        above += ratio > limit
        name = "study" if program == STUDY else "sd4match"
        rows.append([f"{name} {words}", f"{ratio:.2f}", limit, "" if ratio <= limit else "above"])
    print(f"import pandas: {statistics.median(pandas):.2f} CPU seconds")
    print(tabulate(rows, ["command", "ratio", "limit", ""], disable_numparse=[1]))
    return above


if __name__ == "__main__":
    sys.exit(main())
