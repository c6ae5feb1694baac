import json

import pytest

from sd4match.backbones.folders import NANO_FOLDER
from sd4match.backbones.train_nano.settings import read_settings
from sd4match.errors import SD4MatchError

SHIPPED = NANO_FOLDER / "training.json"


def test_the_shipped_settings_are_read_and_written_alike(tmp_path):
    settings = read_settings(SHIPPED)
    settings.write(tmp_path / "again.json")
    assert read_settings(tmp_path / "again.json") == settings


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sead": 1}, "sead.*seed"),
        ({"images": 0}, "images is 0"),
        ({"images": 2.5}, "images is 2.5"),
        ({"seed": -1}, "seed is -1"),
        ({"images": True}, "images is True"),
        ({"diffusion": 3}, "no JSON object"),
        ({"diffusion": {"steps": 1, "batch": 3, "learning_rate": 1e-3}}, "batch is 3.*even"),
        ({"diffusion": {"steps": 1, "batch": 2}}, "no setting 'learning_rate'"),
    ],
)
def test_wrong_settings_are_told(tmp_path, change, told):
    path = tmp_path / "training.json"
    path.write_text(json.dumps(json.loads(SHIPPED.read_text()) | change))
    with pytest.raises(SD4MatchError, match=told):
        read_settings(path)


@pytest.mark.parametrize("content", ["", "[1]", "{"])
def test_what_is_no_json_object_is_told(tmp_path, content):
    path = tmp_path / "training.json"
    path.write_text(content)
    with pytest.raises(SD4MatchError, match=r"training\.json"):
        read_settings(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(SD4MatchError, match="nowhere"):
        read_settings(tmp_path / "nowhere.json")
