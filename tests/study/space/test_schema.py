"""The schema of search-space files."""

import inspect
import re
from dataclasses import fields, is_dataclass

from study.space import schema


def test_every_field_has_its_meaning():
    """The reference of the documentation is made from the text of each section."""
    sections = [each for _, each in inspect.getmembers(schema, is_dataclass)]
    assert len(sections) > 5
    for section in sections:
        text = inspect.getdoc(section)
        for each in fields(section):
            assert re.search(rf"^ +{each.name}( \(.+\))?: .", text, re.MULTILINE), (
                f"{section.__name__}.{each.name}"
            )
