"""Make docs/reference/search_space.md from the schema: python docs/search_space_reference.py

The meaning of a field is what the ``Attributes:`` section of its dataclass says, or the text in
quotes below the field. ``name (type): …`` gives a type that the annotation cannot, and a last
sentence "Example: ``value``" gives an example where the default is none.
"""

import ast
import inspect
import re
import textwrap
import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from study.space import schema
from study.space.axes import AXES

PAGE = Path(__file__).parent / "reference" / "search_space.md"
HEAD = """\
# The search-space file

A search space is a YAML file in `search_spaces/`. It contains only what differs from the defaults
below. Every field can be overridden on the command line, in the way of Hydra:
`study launch quickstart recipe.steps=100 axes.timestep=[50,100] name=shorter`.

`baseline` has one value for each axis, and `axes` has the values that vary. An axis has a cost: a
new value of a *tune* axis needs a new prompt to be learned, one of an *extract* axis a new UNet
pass, and one of a *free* axis nothing, because it is read from the same pass.

A design of more than 500,000 configurations is refused before any of it is made; the message counts
them and says which axes make them.

## Overrides

An override wins over the file, and of two for one setting the last. It is `key=value`, with no
spaces around the `=`, and `~axes.layer` leaves an axis out, `~axes` all of them.

- Settings of the type text, also in `prompts` and `image_encoders`, are taken as they are typed:
  `data.root=~/run=3`. Quote for the shell only: `'data.root=/data/my folder'`. `null` is no text
  where null is possible. `${oc.env:NAME}` is a variable of the environment.
- Other values are Hydra's: `axes.layer=[0,1]`, `baseline.length=16`. In a list, a text with `=`,
  `~`, `{}` or letters beyond ASCII needs quotes: `'axes.template=["a photo of a {category}"]'`.
  The message for one without gives the exact line to type.
- An empty value is refused: it is mostly a variable that is not set.
- An axis may be nested or dotted, `train: {layer: [1]}` or `train.layer: [1]`, not both at once.

This page is generated from the schema by `docs/search_space_reference.py`.
"""
TAIL = """\
## All defaults

```yaml
{yaml}```
"""
WORDS = {str: "text", int: "integer", float: "number", bool: "true or false", Any: "any"}
ATTRIBUTE = re.compile(r"(\w+)(?: \(([^)]*)\))?: (.*)")
EXAMPLE = re.compile(r"\s*Example: ``(.*)``$")


@dataclass(frozen=True)
class Field:
    """One field of the file, by its dotted name."""

    path: str
    type: str
    default: Any
    example: Any
    meaning: str


def sections(
    node: type = schema.SpaceFile, path: str = ""
) -> Iterator[tuple[str, str, list[Field]]]:
    """Each dataclass of the schema, the whole file first: its path, what it is, its fields."""
    hints, meanings = typing.get_type_hints(node), _meanings(node)
    found, inner = [], []
    for each in fields(node):
        name = f"{path}.{each.name}" if path else each.name
        kind, meaning = meanings.get(each.name, ("", ""))
        example = EXAMPLE.search(meaning)
        meaning = EXAMPLE.sub("", meaning)
        if is_dataclass(hints[each.name]):
            inner.append((hints[each.name], name))
            kind, default, shown = "section", None, None
        else:
            kind = kind or _type(hints[each.name])
            default = each.default if each.default is not MISSING else each.default_factory()
            shown = yaml.safe_load(example[1]) if example else default
        found.append(Field(name, kind, default, shown, meaning))
    yield path, (inspect.getdoc(node) or "").split("\n\n")[0], found
    for of, name in inner:
        yield from sections(of, name)


def page() -> str:
    """The text of the page."""
    parts = [HEAD]
    for path, what, found in sections():
        parts.append(f"## {f'`{path}`' if path else 'The whole file'}\n\n{_inline(what)}\n")
        # Costs are of axes alone: of `baseline` and what is in it.
        costs = path.split(".")[0] == "baseline"
        heads = ["field", "type", "default", *(["cost"] if costs else []), "example", "meaning"]
        rows = [heads, ["---"] * len(heads), *(_row(each, costs) for each in found)]
        parts.append("".join(f"| {' | '.join(row)} |\n" for row in rows))
    defaults = OmegaConf.to_yaml(OmegaConf.structured(schema.SpaceFile))
    return "\n".join([*parts, TAIL.format(yaml=defaults)])


def _row(each: Field, costs: bool) -> list[str]:
    meaning = _inline(each.meaning)
    if each.type == "section":
        link = f"[`{each.path}`](#{each.path.replace('.', '')})"
        return [link, "section", "", *([""] if costs else []), "", meaning]
    axis = AXES.get(each.path.removeprefix("baseline.")) if costs else None
    return [
        f"`{each.path}`",
        each.type,
        _code(f"{each.default:,}" if _large(each.default) else _yaml(each.default)),
        *([str(axis.cost) if axis else ""] if costs else []),
        "" if each.example in (None, "", [], {}) else _code(_nested(each.path, each.example)),
        meaning,
    ]


def _large(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 10_000


def _nested(path: str, value: Any) -> str:
    for part in reversed(path.split(".")):
        value = {part: value}
    return _yaml(value).removeprefix("{").removesuffix("}")


def _yaml(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...").strip()


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _inline(text: str) -> str:
    text = " ".join(text.split()).replace("``", "`").replace("|", "\\|")
    # Citations are for readers of the code; on the page they are links.
    return re.sub(
        r"docs/explanation/(\w+)\.md(,? (?:section|idea) \d+)?",
        lambda m: f"[{m[1]}{m[2] or ''}](../explanation/{m[1]}.md)",
        text,
    )


def _type(hint: Any) -> str:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join("null" if one is type(None) else _type(one) for one in inner)
    if origin is list:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return f"map to {_type(inner[1])}"
    return WORDS[hint]


def _meanings(node: type) -> dict[str, tuple[str, str]]:
    """Field to the type and the meaning that the source gives it, as far as it does."""
    meanings = {}
    *_, listed = ("\n" + (inspect.getdoc(node) or "")).partition("\nAttributes:\n")
    for entry in re.split(r"\n(?=\S)", textwrap.dedent(listed.split("\n\n")[0])):
        if found := ATTRIBUTE.match(" ".join(entry.split())):
            meanings[found[1]] = (found[2] or "", found[3])
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(node))).body
    assert isinstance(tree, ast.ClassDef)
    for before, after in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(before, ast.AnnAssign)
            and isinstance(before.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            meanings[before.target.id] = ("", " ".join(str(after.value.value).split()))
    return meanings


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
