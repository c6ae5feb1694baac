"""The rules of the house that no linter knows: who may import whom, names, docstrings."""

import ast
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("sd4match", "study")
FILES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
ABOVE = {"study", "ray", "optuna", "hydra"}  # what the model must not know
HEAVY = ABOVE | {"torch"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def imported(tree):
    """Top-level names of all packages that a tree imports, wherever it does."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            names.add(str(node.module).split(".")[0])
    return names


def modules_of(package):
    names = [name for name in FILES if name.startswith(f"{package}/")]
    return [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in names]


def loaded_after(*modules):
    """Which of ``HEAVY`` a fresh Python knows after importing some modules."""
    code = (
        "import importlib, json, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}} & {HEAVY!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_asking_needs_no_model():
    """`study status | best | table` answer in two seconds because they leave torch alone."""
    assert loaded_after("study", "study.cli", "study.tables.best", "study.study") == {"study"}


def test_the_model_imports_nothing_of_the_study():
    model = {name: tree for name, tree in FILES.items() if name.startswith("sd4match/")}
    assert {name for name, tree in model.items() if imported(tree) & ABOVE} == set()


def test_the_model_loads_nothing_of_the_study():
    modules = modules_of("sd4match")
    assert len(modules) > 50
    assert loaded_after(*modules) == {"torch"}


def test_only_the_engine_knows_ray():
    outside = {name for name in FILES if not name.startswith("study/engine/")}
    assert {name for name in outside if "ray" in imported(FILES[name])} == set()


def test_the_work_itself_needs_no_ray():
    modules = ("study", "study.cli", "study.plan.plan", "study.study", "study.engine.worker")
    assert loaded_after(*modules) <= {"study", "hydra", "torch"}


def test_no_file_has_a_name_that_says_nothing():
    names = {name: set(Path(name).with_suffix("").parts) for name in FILES}
    vague = {"util", "utils", "common", "helper", "helpers", "misc"}
    assert [name for name, parts in names.items() if parts & vague] == []


def public(tree, prefix=""):
    """(name, node) of the module's public functions, classes and their methods."""
    for node in tree.body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_"):
            if "overload" not in {ast.unparse(decorator) for decorator in node.decorator_list}:
                yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public(node, f"{node.name}.")


def test_all_that_is_public_says_what_it_is_for():
    silent = [
        f"{file}: {name}"
        for file, tree in FILES.items()
        if tree.body  # an empty __init__.py says enough
        for name, node in [("module", tree), *public(tree)]
        if not ast.get_docstring(node)
    ]
    assert silent == []


def test_the_checks_see_what_they_look_for():
    code = "import os\ndef f():\n    from ray import tune\nclass A:\n    def g(self): ..."
    lazy = ast.parse(code)
    assert imported(lazy) == {"os", "ray"}
    assert [name for name, _ in public(lazy)] == ["f", "A", "A.g"]
    assert loaded_after("optuna") == {"optuna"}
