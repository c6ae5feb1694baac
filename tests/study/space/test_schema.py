"""The schema of search-space files."""

import ast
import inspect

from study.space import schema
from study.space.schema import flatten, nest


def test_every_field_has_its_meaning():
    """The reference of the documentation is made from the text under each field."""
    for section in ast.parse(inspect.getsource(schema)).body:
        if isinstance(section, ast.ClassDef):
            assert ast.get_docstring(section)
            body = section.body[1:]
            fields = [place for place, node in enumerate(body) if isinstance(node, ast.AnnAssign)]
            for place in fields:
                text = body[place + 1 : place + 2]
                assert text, f"{section.name}: no text under the last field"
                assert isinstance(text[0], ast.Expr), f"{section.name}.{body[place].target.id}"  # type: ignore[attr-defined]


def test_dotted_names_and_sections_are_the_same():
    flat = {"train.layer": 1, "train.data": "own", "seed": 0}
    assert dict(flatten(nest(flat))) == flat
    assert nest(flat) == {"train": {"layer": 1, "data": "own"}, "seed": 0}
