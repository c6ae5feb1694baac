"""What is known of the prompt families without torch is what their classes say."""

import subprocess
import sys

import pytest

from sd4match.prompts import FAMILIES
from sd4match.prompts.family_facts import KNOWN, Family


def test_facts_are_those_of_the_classes():
    found = [Family(c.family, c.depends_on, c.learned, tuple(c.options)) for c in FAMILIES.values()]
    assert found == list(KNOWN.values())


@pytest.mark.slow
def test_facts_need_no_torch():
    code = "import sys, sd4match.prompts.family_facts; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
