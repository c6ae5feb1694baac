"""Rules of the architecture that the import-linter contracts in pyproject.toml cannot state."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sd4match", "study")
FILES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
FLAT = {
    "sd4match": {"__init__.py", "cli.py", "errors.py", "losses.py"},
    "study": {"__init__.py", "cli.py", "study.py"},
}
# What takes long to load, or is above `sd4match`.
HEAVY = {
    "diffusers", "hydra", "matplotlib", "optuna", "pandas", "ray", "seaborn", "torch",
    "transformers",
}  # fmt: skip
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def module_of(file):
    """The dotted name of a file's module."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def faces():
    """The packages whose names are handed out lazily: those with a stub."""
    stubs = sorted(stub for package in PACKAGES for stub in (ROOT / package).rglob("__init__.pyi"))
    return [str(stub.parent.relative_to(ROOT)).replace("/", ".") for stub in stubs]


def loaded_by(code):
    """Which of ``HEAVY`` a fresh Python has loaded after it ran some code."""
    report = (
        "import json, sys\n"
        f"print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}} & {HEAVY!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_faces_load_nothing_heavy():
    """``import study``, and every package face, before a name is asked of it."""
    assert loaded_by("\n".join(f"import {name}" for name in faces())) == set()


@pytest.mark.slow
def test_the_model_loads_nothing_of_the_study():
    files = [file for file in FILES if file.startswith("sd4match/")]
    modules = [module_of(file) for file in files if not file.endswith("__main__.py")]
    assert len(modules) > 50
    above = {"hydra", "optuna", "ray", "study"}
    code = "\n".join(f"import {name}" for name in modules)
    assert loaded_by(f"{code}\nimport sys\nassert 'study' not in sys.modules") & above == set()


@pytest.mark.slow
def test_reading_results_needs_no_model():
    modules = [
        "study.study",
        "study.store.store",
        "study.analysis.sql.querying",
        "study.tables.best",
    ]
    loaded = loaded_by("\n".join(f"import {name}" for name in modules))
    assert loaded & {"hydra", "matplotlib", "optuna", "ray", "torch"} == set()


def module_graph():
    """Imports between modules, with those in functions, under TYPE_CHECKING and in face stubs."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    for face in faces():
        stub = ROOT / face.replace(".", "/") / "__init__.pyi"
        for node in ast.walk(ast.parse(stub.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                graph.add_import(importer=face, imported=f"{face}.{node.module}")
    return graph


def circles(graph):
    """Groups of modules that import each other, directly or through others."""
    below = {module: graph.find_upstream_modules(module) for module in graph.modules}
    found = {
        frozenset({module, *(other for other in modules if module in below[other])})
        for module, modules in below.items()
    }
    return sorted(sorted(group) for group in found if len(group) > 1)


def test_no_modules_import_each_other_in_a_circle():
    assert circles(module_graph()) == []


def test_a_circle_is_found():
    graph = grimp.ImportGraph()
    for one, other in [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e")]:
        graph.add_import(importer=one, imported=other)
    assert circles(graph) == [["a", "b", "c"]]


def imports_of_names(tree):
    """(module, name) of each ``from module import name``, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from ((str(node.module), alias.name) for alias in node.names)


@pytest.mark.slow
def test_imports_inside_the_project_name_the_module_that_defines_the_thing():
    """Faces are for users: a name taken from a face would hide an arrow from the contracts."""
    modules = {module_of(file) for file in FILES}
    hidden = [
        f"{file}: from {module} import {name}"
        for file, tree in FILES.items()
        for module, name in imports_of_names(tree)
        if module in faces() and f"{module}.{name}" not in modules and name != "__version__"
    ]
    assert hidden == []


@pytest.mark.parametrize("package", PACKAGES)
def test_only_a_few_files_lie_flat(package):
    assert {path.name for path in (ROOT / package).glob("*.py")} == FLAT[package]


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


def test_everything_public_has_a_docstring():
    silent = [
        f"{file}: {name}"
        for file, tree in FILES.items()
        for name, node in [("module", tree), *public(tree)]
        if not ast.get_docstring(node)
    ]
    assert silent == []


def test_the_version_is_in_one_place():
    assert (
        importlib.import_module("study").__version__
        == importlib.import_module("sd4match").__version__
    )


@pytest.mark.slow
def test_the_checks_see_what_they_look_for():
    tree = ast.parse("def f():\n    from ray import tune\nclass A:\n    def g(self): ...")
    assert list(imports_of_names(tree)) == [("ray", "tune")]
    assert [name for name, _ in public(tree)] == ["f", "A", "A.g"]
    assert loaded_by("def f():\n    import optuna\nf()") >= {"optuna"}
