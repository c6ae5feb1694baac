"""The names and signatures of all package faces, pinned in ``public_interface.txt``.

To change the interface on purpose: ``python tests/test_public_interface.py`` rewrites the file.
"""

import ast
import difflib
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sd4match", "study")
PINNED = Path(__file__).with_name("public_interface.txt")
# Fixed by docs/explanation/architecture.md, "Public interface": parameter names in their order.
# What follows a star is given by name; three dots stand for more parameters.
FIXED = {
    "sd4match.datasets.load": "name, root, split, *, category",
    "sd4match.datasets.load_image": "pair, side",
    "sd4match.matching.correlate": "source_map, target_map, queries, *, l2_normalize",
    "sd4match.matching.localize": "correlation, *, localizer, kernel_sigma, temperature",
    "sd4match.matching.match": (
        "source_map, target_map, queries, *, localizer, kernel_sigma, temperature, "
        "l2_normalize, size"
    ),
    "sd4match.losses.gaussian_cross_entropy": "...",
    "sd4match.pck.score": "pair, predicted, *, alpha, protocol, image_size",
    "sd4match.backbones.load": "name_or_path, *, device, dtype, revision, ...",
    "sd4match.backbones.image_encoders.load_image_encoder": "kind, name, *, device, dtype",
    "sd4match.prompts.load": "path, backbone",
    "sd4match.prompts.save": "prompt, path, ...",
    "sd4match.prompts.import_upstream": "path, backbone, ...",
    "study.open": "path",
    "study.study.Study.configurations": "self",
    "study.study.Study.best": "self, ...",
    "study.study.Study.table": "self, ...",
    "study.study.Study.plot": "self, ...",
    "study.study.Study.query": "self, sql",
}
STATISTICS = {
    "PairSamples", "Interval", "Difference", "interval", "intervals", "difference", "differences",
    "holm",
}  # fmt: skip


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def file_of(module):
    """The file of a module or package."""
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def exports(face):
    """(name, module that defines it or None for a module) of all that a face's stub exports."""
    for node in parsed(file_of(face).with_suffix(".pyi")).body:
        match node:
            case ast.ImportFrom(level=1):
                for alias in node.names:
                    yield alias.name, f"{face}.{node.module}" if node.module else None
            case ast.FunctionDef(name=name):
                yield name, face


FACES = sorted(
    ".".join(stub.parent.relative_to(ROOT).parts)
    for package in PACKAGES
    for stub in (ROOT / package).rglob("__init__.pyi")
)


def signature(function):
    """What a definition takes and returns, as it is written."""
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"({ast.unparse(function.args)}){returns}"


def public_members(body):
    """Lines of a class: its fields, properties and methods."""
    for node in body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
                yield ast.unparse(node)
            case ast.FunctionDef(name=name) if not name.startswith("_") or name.endswith("__"):
                kinds = [ast.unparse(decorator) for decorator in node.decorator_list]
                if name != "__post_init__":
                    yield " ".join([*(f"@{kind}" for kind in kinds), f"{name}{signature(node)}"])


def described(name, module):
    """The lines of one exported name."""
    if module is None:
        return [f"{name} (module)"]
    for node in parsed(file_of(module)).body:
        match node:
            case ast.FunctionDef(name=found) if found == name:
                return [f"{name}{signature(node)}"]
            case ast.ClassDef(name=found) if found == name:
                bases = ", ".join(ast.unparse(base) for base in node.bases)
                members = [f"    {line}" for line in public_members(node.body)]
                return [f"class {name}({bases})" if bases else f"class {name}", *members]
            case ast.AnnAssign(target=ast.Name(id=found)) if found == name:
                kind = ast.unparse(node.annotation)
                alias = kind == "TypeAlias" and node.value is not None
                return [f"{name} = {ast.unparse(node.value)}" if alias else f"{name}: {kind}"]
            case ast.Assign(targets=[ast.Name(id=found)]) if found == name:
                return [name]
            case ast.ImportFrom(module=source, names=aliases):
                if any(each.name == each.asname == name for each in aliases):
                    return [f"{name} (of {source})"]
    raise AssertionError(f"{module} does not define {name}: a stub names the defining module")


def interface():
    """The whole public interface as text."""
    lines = []
    for face in FACES:
        lines.append(f"# {face}")
        for name, module in sorted(exports(face), key=lambda each: each[0].lower()):
            lines += described(name, module)
        lines.append("")
    return "\n".join(lines)


@pytest.mark.slow
def test_the_interface_is_the_pinned_one():
    pinned, now = PINNED.read_text(encoding="utf-8"), interface()
    changes = difflib.unified_diff(pinned.splitlines(), now.splitlines(), "pinned", "now", n=0)
    hint = "If the change is meant, run: python tests/test_public_interface.py"
    assert pinned == now, "\n".join([hint, *changes])


def test_both_packages_have_a_face():
    assert set(FACES) >= set(PACKAGES)


@pytest.mark.parametrize("face", FACES)
def test_no_module_bears_the_name_of_something_that_its_face_exports(face):
    """Once a submodule is imported, Python hands out the module under that name."""
    folder = file_of(face).parent
    modules = {path.stem for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }
    assert [name for name, module in exports(face) if module and name in modules] == []


def submodules():
    """The names of all modules of both packages that are no programs."""
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(path, f"{package}."):
            if not module.name.endswith("__main__"):
                yield module.name


@pytest.mark.slow
def test_a_face_hands_out_the_object_after_all_submodules_were_imported():
    expected = {f"{face}.{name}": module for face in FACES for name, module in exports(face)}
    code = "import importlib, types\n" + "".join(f"import {name}\n" for name in submodules())
    code += (
        f"for path, module in {expected!r}.items():\n"
        "    face, name = path.rsplit('.', 1)\n"
        "    handed = getattr(importlib.import_module(face), name)\n"
        "    if module is None and not isinstance(handed, types.ModuleType):\n"
        "        print(path, 'is no module')\n"
        "    if module and handed is not getattr(importlib.import_module(module), name):\n"
        "        print(path, 'is not', module + '.' + name)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines() == []


@pytest.mark.parametrize("face", FACES)
def test_a_stub_and_its_face_name_the_same(face):
    stub = parsed(file_of(face).with_suffix(".pyi"))
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    assert [node.module for node in imports if not node.level and node.module in FACES] == []
    names = [alias for node in imports if node.level for alias in node.names]
    # `as` the same name tells mypy that the name is public.
    assert [each.name for each in names if each.asname != each.name] == []
    module = importlib.import_module(face)
    assert {each.name for each in names} <= set(module.__all__)
    assert module.__doc__, "a face states its contract"


def thing_at(path):
    """The thing that a dotted name means."""
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            thing = getattr(thing, part)
        return thing
    raise AssertionError(f"no {path}")


@pytest.mark.parametrize("path", FIXED)
def test_fixed_names_keep_their_parameters(path):
    parameters = inspect.signature(thing_at(path)).parameters
    keyword_only = [
        name for name, each in parameters.items() if each.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    first, _, by_name = FIXED[path].partition("*, ")
    positional = [name for name in parameters if name not in keyword_only]
    for expected, given in ((first, positional), (by_name, keyword_only)):
        names = [name for name in expected.split(", ") if name]
        if "..." in FIXED[path]:
            assert given[: len(names)] == names or set(names) - {"..."} <= set(given)
        else:
            assert given == names


def test_statistics_export_what_compares_results():
    assert {name for name, _ in exports("study.analysis.statistics")} >= STATISTICS


if __name__ == "__main__":
    PINNED.write_text(interface(), encoding="utf-8")
