"""The runner: ``python -m benchmarks [NAME…] [ARGUMENTS…]``.

python -m benchmarks                       # list of the benchmarks
python -m benchmarks matching evaluator    # these
python -m benchmarks all                   # all of them
python -m benchmarks answers --pairs 500   # one, with its own arguments
"""

import ast
import subprocess
import sys
from itertools import takewhile
from pathlib import Path


def available() -> dict[str, str]:
    """The first line of the docstring of each benchmark, by name: of each module with a main()."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            found[path.stem] = (ast.get_docstring(tree) or "").split("\n")[0]
    return found


def main() -> int:
    """Run the named benchmarks, each in a process of its own; the number of those that failed."""
    benchmarks, words = available(), sys.argv[1:]
    if not words:
        width = max(map(len, benchmarks))
        print("\n".join(f"{name:{width}}  {line}" for name, line in benchmarks.items()))
        return 0
    names = list(takewhile(benchmarks.__contains__, words))
    arguments = words[len(names) :]
    if words == ["all"]:
        names, arguments = list(benchmarks), []
    if not names or (arguments and len(names) > 1):
        raise SystemExit(f"no benchmark {arguments[0]!r}; there are: {', '.join(benchmarks)}")
    failed = 0
    for name in names:
        print(f"== {name}: {benchmarks[name]}", flush=True)
        failed += (
            subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments]).returncode != 0
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
