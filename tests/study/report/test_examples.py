"""Example pairs of the report."""

import pytest

from study.report.content import collect
from study.study import open_study


def test_examples_show_every_choice_as_the_scores_say(study, content):
    gallery = content.gallery
    assert gallery.reasons == ()
    assert {key for key, _ in gallery.choices} == set(study.configurations().index)
    assert gallery.choices[0][0] == content.best.key
    assert len(gallery.examples) == 3 * 3
    for dataset in ("pf_pascal", "spair"):
        own, base = (
            study.samples(key, dataset, "test", 0.1).pck
            for key in (content.best.key, study.baseline)
        )
        name = {"pf_pascal": "PF-Pascal", "spair": "SPair-71k"}[dataset]
        gain, _, loss = (one for one in gallery.examples if one.title.startswith(name))
        for example, wanted in ((gain, (own - base).max()), (loss, (own - base).min())):
            mine, other = (
                [right for *_, right in example.found[key]]
                for key in (content.best.key, study.baseline)
            )
            assert sum(mine) / len(mine) - sum(other) / len(other) == pytest.approx(wanted)
            assert len(mine) == len(example.source) == len(example.truth)
            assert all(-1 <= x <= example.width + 1 for x, *_ in example.found[content.best.key])


@pytest.mark.slow
def test_examples_do_without_images(copied):
    file = copied / "study.yaml"
    file.write_text(file.read_text().replace("shapes", "gone"))
    gallery = collect(open_study(copied)).gallery
    assert gallery.examples == ()
    assert len(gallery.reasons) == 3
    assert all("gone" in reason for reason in gallery.reasons)
