"""What a table shows, and which layouts are refused."""

import pytest

from sd4match.errors import SD4MatchError
from study.tables.layout import Layout

SMALL = """
baseline: {backbone: nano, prompt: single, length: 4, ensemble: 1, kernel: 3}
axes: {prompt: [empty, single], layer: [0, 1]}
"""


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"rows": ("prmpt",)}, "unknown dimension 'prmpt': did you mean 'prompt'"),
        ({"rows": ("prompt", "prompt")}, "nothing twice"),
        ({"rows": ()}, "at least one row"),
        ({"rows": ("category",), "published": True}, "rows must be axes"),
        ({"rows": ("prompt",), "published": True, "splits": ("val",)}, "of test splits"),
        ({"rows": ("prompt",), "alphas": (0.3,)}, r"alpha 0\.3 was not scored; scored are 0\.05"),
        ({"rows": ("prompt",), "alphas": (0.05, 0.1)}, "several values of alpha: make it a row"),
        ({"rows": ("prompt",), "splits": ("train",)}, "unknown split 'train'"),
        ({"rows": ("prompt",), "datasets": ("spare",)}, "did you mean 'spair'"),
        (
            {"rows": ("category",), "columns": (), "datasets": ("spair", "pf_pascal")},
            "name one data set, or",
        ),
    ],
)
def test_impossible_layouts_are_one_line(answered, layout, message):
    with pytest.raises(SD4MatchError, match=message) as error:
        answered.pivot(Layout(**layout))
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_a_search_shows_what_validation_chose(study_of):
    study = study_of("searched", SMALL, "design=factorial")
    searched = study_of("searched-too", SMALL, "design=factorial")
    searched.folder.facts["design"] = "search"  # the same cells, as a search leaves them
    found = searched.pivot(Layout(("prompt",)))
    wanted = study.pivot(Layout(("prompt",), best=True))
    assert found.raw["configuration"].tolist() == wanted.raw["configuration"].tolist()
    assert "Other axes by the best mean/val/pck@0.1" in " ".join(found.footnotes)
