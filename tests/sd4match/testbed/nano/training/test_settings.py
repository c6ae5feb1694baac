import json
import math

import pytest

from sd4match.backbones.folders import NANO_FOLDER
from sd4match.errors import SD4MatchError
from sd4match.testbed.nano.training.settings import read_settings

SHIPPED = NANO_FOLDER / "training.json"


def test_the_shipped_settings_are_read_and_written_alike(tmp_path):
    settings = read_settings(SHIPPED)
    settings.write(tmp_path / "again.json")
    assert read_settings(tmp_path / "again.json") == settings


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sead": 1}, "sead.*seed"),
        ({"images": 27}, "images is 27: it must be a whole number, at least 28"),
        ({"images": 280.5}, r"images is 280\.5: it must be a whole number"),
        ({"images": 280.0}, r"images is 280\.0: it must be a whole number"),
        ({"images": True}, "images is True"),
        ({"images": None}, "images is None"),
        ({"images": math.inf}, "images is inf"),
        ({"seed": -1}, "seed is -1: it must be a whole number, at least 0"),
        ({"seed": 2**63}, "seed is 9223372036854775808"),
        ({"diffusion": 3}, "not a JSON object"),
        ({"diffusion": {"steps": 1, "batch": 2}}, "no setting 'learning_rate'"),
    ],
)
def test_wrong_settings_are_told(tmp_path, change, told):
    with pytest.raises(SD4MatchError, match=told):
        read_settings(changed(tmp_path, change))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"steps": 0}, "steps is 0: it must be a whole number, at least 1"),
        ({"batch": 3}, "batch is 3: it must be an even whole number"),
        ({"batch": 32.0}, r"batch is 32\.0: it must be an even whole number"),
        ({"learning_rate": 0}, "learning_rate is 0: it must be a number above 0"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"learning_rate": math.inf}, "learning_rate is inf"),
        ({"learning_rate": "1e-3"}, "learning_rate is '1e-3'"),
        ({"checkpoint_every": 0.5}, r"checkpoint_every is 0\.5: it must be a whole number"),
    ],
)
def test_wrong_schedules_are_told(tmp_path, change, told):
    schedule = json.loads(SHIPPED.read_text())["refinement"] | change
    with pytest.raises(SD4MatchError, match=f"refinement: {told}"):
        read_settings(changed(tmp_path, {"refinement": schedule}))


def changed(folder, change):
    path = folder / "training.json"
    path.write_text(json.dumps(json.loads(SHIPPED.read_text()) | change))
    return path


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_what_is_no_json_object_is_told(tmp_path, content):
    path = tmp_path / "training.json"
    path.write_text(content)
    with pytest.raises(SD4MatchError, match=r"training\.json"):
        read_settings(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(SD4MatchError, match="nowhere"):
        read_settings(tmp_path / "nowhere.json")
