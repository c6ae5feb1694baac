"""The reference of the search-space file is what its script makes from the schema."""

import importlib.util
from pathlib import Path

import pytest
from omegaconf import OmegaConf

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script():
    file = DOCS / "search_space_reference.py"
    spec = importlib.util.spec_from_file_location("search_space_reference", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fields(script):
    return {field.path: field for _, _, found in script.sections() for field in found}


def test_the_page_is_what_the_script_makes(script):
    made = script.page()
    assert script.PAGE.read_text(encoding="utf-8") == made, "run docs/search_space_reference.py"


def test_every_field_of_the_schema_is_on_the_page(script, fields):
    page = script.PAGE.read_text(encoding="utf-8")
    keys = OmegaConf.structured(script.schema.SpaceFile)

    def names(config, path=""):
        for key in config:
            name = f"{path}.{key}" if path else key
            yield name
            if fields[name].type == "section":
                yield from names(config[key], name)

    assert set(names(keys)) == set(fields)
    assert [name for name in fields if f"`{name}`" not in page] == []
    assert "| `recipe.steps` | integer or null | `null` | `recipe: {steps: 300}` |" in page


def test_every_example_has_the_type_of_its_field(script, fields):
    schema = OmegaConf.structured(script.schema.SpaceFile)
    for path, field in fields.items():
        if field.example is not None:
            OmegaConf.update(schema.copy(), path, field.example)
