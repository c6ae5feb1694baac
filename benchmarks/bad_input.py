"""Wrong input to every command: how many cases end in one clear line, with nothing lost.

The corruptions of `tests/study/bad_input`, many seeds of each, in a process of their own.

    python -m benchmarks bad_input --seeds 5 [--only data] [--lines]
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tabulate import tabulate

import sd4match.cli
import study.cli
from tests.study.bad_input import backbones, data_files, folders, prompt_files, spaces
from tests.study.bad_input.cases import Case
from tests.study.bad_input.world import build, fork, measured

PROGRAMS = {"study": study.cli.main, "sd4match": sd4match.cli.main}
LONGEST = 120  # seconds
VERDICTS = ("one clear line", "no error", "traceback", "many lines", "does not say where", "lost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="only cases with this in their name")
    parser.add_argument("--lines", action="store_true", help="print what each of them says")
    options = parser.parse_args()
    modules = (data_files, spaces, prompt_files, folders, backbones)
    cases = [case for module in modules for case in module.cases() if options.only in case.id]
    found: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory(prefix="bad-input-") as scratch:
        world = Path(scratch) / "world"
        build(world)
        for case in cases:
            for seed in range(options.seeds):
                verdict, said = judge(case, seed, world, Path(scratch) / "copy")
                found.setdefault(case.kind, Counter())[verdict] += 1
                if options.lines or verdict != VERDICTS[0]:
                    print(f"{verdict:15} {case.id!r}: {' | '.join(said.splitlines()[-3:])[:300]}")
    rows = [[kind, *(counts[verdict] for verdict in VERDICTS)] for kind, counts in found.items()]
    print(tabulate(rows, headers=["input", *VERDICTS]))
    bad = sum(sum(counts.values()) - counts[VERDICTS[0]] for counts in found.values())
    sys.exit(1 if bad else 0)


def judge(case: Case, seed: int, world: Path, copy: Path) -> tuple[str, str]:
    """What became of a case, and what it said."""
    shutil.rmtree(copy, ignore_errors=True)
    fork(world, copy, own_data=case.kind == "data")
    case.damage(copy, case.rng(seed))
    before = measured(copy)
    code, said = run(copy, case.command)
    lost = not before.items() <= measured(copy).items()
    verify = "verify" in case.command  # reports all that it finds, on many lines
    if "Traceback" in said:
        return "traceback", said
    if code not in (1, 2):
        return ("no error" if code == 0 else "traceback"), said
    if not verify and (said.count("\n") != 1 or not said.startswith("error: ")):
        return "many lines", said
    if lost:
        return "lost", said
    clear = all(word in said for word in case.says)
    return "one clear line" if clear else "does not say where", said


def run(folder: Path, command: tuple[str, ...]) -> tuple[int, str]:
    """Run a command in a process of its own; its status, and what it said of an error."""
    out = folder.parent / "said"
    if (child := os.fork()) == 0:
        os.chdir(folder)
        target = os.open(out, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(target, 2)
        os.dup2(target if "verify" in command else os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = list(command)
        code = 99
        try:
            PROGRAMS[command[0]]()
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stderr.flush()
            sys.stdout.flush()
            os._exit(code)
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), out.read_text(errors="replace")
        time.sleep(0.002)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return 0, "took too long"


if __name__ == "__main__":
    main()
