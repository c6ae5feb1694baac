"""The command and the search space that go back to one configuration."""

import shlex

import pytest
import yaml

from study.space.designs import configurations
from study.space.reading import load
from study.tables.reproduce import launch_command, search_space

pytestmark = pytest.mark.slow


def settings_of(study, key):
    rows = study.configurations().astype(object)
    return rows.where(rows.notna(), None).loc[key].to_dict()


def test_the_command_asks_for_that_configuration_alone(answered):
    for key in answered.configurations().index:
        command = shlex.split(launch_command(answered.folder, key, settings_of(answered, key)))
        assert command[:2] == ["study", "launch"]
        space = load(command[2], command[3:])
        assert [c.key for c in configurations(space)] == [key]
        assert space.name == f"answered-{key}"


@pytest.mark.parametrize(
    "template", ["a {category}", 'say "{category}", please', r"a\b {category}"]
)
def test_any_text_survives_the_shell_and_hydra(study_of, template):
    text = yaml.safe_dump(
        {
            "baseline": {"prompt": "text", "template": "a photo of a {category}"},
            "axes": {"template": [template]},
            "data": {"evaluate": ["pf_willow"]},
        }
    )
    study = study_of("templates", text)
    key = study.configurations().query("template == @template").index[0]
    command = shlex.split(launch_command(study.folder, key, settings_of(study, key)))
    assert [c.key for c in configurations(load(command[2], command[3:]))] == [key]


def test_a_tied_search_goes_back_too(study_of):
    text = """
design: factorial
tie: true
baseline: {prompt: single, length: 4}
axes: {timestep: [50, 100], layer: [0, 1]}
data: {evaluate: [pf_pascal]}
"""
    study = study_of("tied", text)
    for key in study.configurations().index:
        command = shlex.split(launch_command(study.folder, key, settings_of(study, key)))
        assert [c.key for c in configurations(load(command[2], command[3:]))] == [key]


def test_an_image_size_that_nobody_set_stays_the_backbones(study_of, tmp_path):
    study = study_of("own-size", "{baseline: {prompt: empty}}", "baseline.image_size=null")
    settings = settings_of(study, study.baseline)
    assert "image_size" not in launch_command(study.folder, study.baseline, settings)
    text = search_space(study.folder, study.baseline, settings)
    assert yaml.safe_load(text)["baseline"]["image_size"] is None
    (tmp_path / "next.yaml").write_text(text)
    assert load(str(tmp_path / "next.yaml")).baseline.key == study.baseline


def test_the_search_space_starts_from_it(answered, tmp_path):
    key = answered.best().name
    text = search_space(answered.folder, key, settings_of(answered, key))
    (tmp_path / "next.yaml").write_text(text)
    space = load(str(tmp_path / "next.yaml"))
    assert space.baseline.key == key
    assert space.axes == {}
    assert space.file.data == load(str(answered.folder.path / "study.yaml")).file.data
    assert "resources" not in yaml.safe_load(text)  # only what is not the default
    more = load(str(tmp_path / "next.yaml"), ["axes.layer=[0,1,2]"])
    assert len(list(configurations(more))) == 3
