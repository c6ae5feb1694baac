"""Prompts as files."""

import dataclasses
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from sd4match import backbones, prompts
from sd4match.backbones.folders import COMPONENTS, NANO_FOLDER
from sd4match.errors import SD4MatchError
from sd4match.files import seal

FORMER = {
    "backbone": "2058cf716080bdc89c551067f8059f515df91a97a91ad49b1980659082716652",
    "image encoder": "2f39dfe86a713ddb233adec9206c910c065853ea8ac442bfadd436996f3c6edf",
}
"""Fingerprints of nano and its DINOv2 when they followed the bytes of files."""
TRAINING = {"steps": 12, "learning_rate": 0.01, "data": "pf_pascal"}


@pytest.fixture
def single(nano):
    return prompts.create("single", nano, length=4, seed=5)


@pytest.fixture
def path(tmp_path, nano, single):
    path = tmp_path / "prompt.safetensors"
    prompts.save(single, path, training=TRAINING)
    return path


@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("empty", {}),
        ("text", {"template": "one {category}"}),
        ("single", {"length": 3}),
        ("single_hidden", {}),
        ("class", {"length": 3, "categories": ["dog", "cat"]}),
        ("class_hidden", {"categories": ["cat"]}),
    ],
)
def test_a_prompt_comes_back_as_it_was(nano, tmp_path, family, options):
    prompt = prompts.create(family, nano, seed=1, **options)
    prompts.save(prompt, tmp_path / "p.safetensors")
    loaded = prompts.load(tmp_path / "p.safetensors", nano)
    assert type(loaded) is type(prompt)
    assert (loaded.length, loaded.config()) == (prompt.length, prompt.config())
    assert torch.equal(loaded.hidden_states(nano, "cat"), prompt.hidden_states(nano, "cat"))


def test_a_loaded_prompt_can_be_learned_further(nano, path):
    assert prompts.load(path, nano).embeddings.requires_grad


def test_the_header_tells_where_it_comes_from(nano, path):
    header = prompts.read_header(path)
    assert header.pop("versions")["torch"] == torch.__version__
    shape = [4, nano.hidden_size]
    assert header.pop("seal").startswith("sd4match-sha256:")
    assert header.pop("tensors") == {"embeddings": {"shape": shape, "dtype": "F32"}}
    assert header == {
        "format": 1,
        "family": "single",
        "length": 4,
        "config": {"length": 4, "width": nano.hidden_size},
        "backbone": {"name": "nano", "fingerprint": nano.fingerprint},
        "image_encoder": None,
        "training": TRAINING,
    }


def test_same_prompt_same_bytes(nano, single, path, tmp_path):
    shuffled = dict(reversed(TRAINING.items()))
    prompts.save(single, tmp_path / "again.safetensors", training=shuffled)
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_another_backbone_is_refused(nano, path):
    other = dataclasses.replace(nano, name="other", fingerprint="f" * 64)
    with pytest.raises(
        SD4MatchError, match=r"made for backbone nano .*, not other \(ffffffffffff\)"
    ):
        prompts.load(path, other)


def test_a_prompt_that_reads_images_comes_back_with_its_encoder(nano, tmp_path):
    prompt = prompts.create("Img-DINO-Head-G2-C3", nano, seed=1)
    prompts.save(prompt, tmp_path / "p.safetensors")
    header = prompts.read_header(tmp_path / "p.safetensors")
    encoder = nano.image_encoder("dino")
    assert header["image_encoder"] == {"name": encoder.name, "fingerprint": encoder.fingerprint}
    loaded = prompts.load(tmp_path / "p.safetensors", nano)
    content = torch.ones(1, *encoder.shape("head"))
    assert torch.equal(
        loaded.hidden_states(nano, content=content), prompt.hidden_states(nano, content=content)
    )


def test_another_image_encoder_is_refused(nano, tmp_path):
    prompt = prompts.create("Img-DINO-Head-G2-C3", nano)
    prompt.encoder_made_for = dataclasses.replace(prompt.encoder_made_for, fingerprint="e" * 64)
    prompts.save(prompt, tmp_path / "p.safetensors")
    with pytest.raises(SD4MatchError, match=r"made for image encoder .* \(eeeeeeeeeeee\), not"):
        prompts.load(tmp_path / "p.safetensors", nano)


@pytest.mark.slow
def test_former_fingerprints_of_the_same_folders_are_taken(nano, tmp_path):
    prompt = prompts.create("Img-DINO-Head-G2-C3", nano)
    prompt.made_for = dataclasses.replace(prompt.made_for, fingerprint=FORMER["backbone"])
    prompt.encoder_made_for = dataclasses.replace(
        prompt.encoder_made_for, fingerprint=FORMER["image encoder"]
    )
    prompts.save(prompt, tmp_path / "p.safetensors")
    loaded = prompts.load(tmp_path / "p.safetensors", nano)
    assert loaded.made_for.fingerprint == FORMER["backbone"]


@pytest.mark.slow
def test_a_prompt_fits_the_same_weights_in_other_files(nano, path, tmp_path):
    nano.unet.save_pretrained(tmp_path / "nano" / "unet", max_shard_size="3MB")
    for part in COMPONENTS:
        if part != "unet":
            shutil.copytree(NANO_FOLDER / part, tmp_path / "nano" / part)
    other = backbones.load(str(tmp_path / "nano"), device="cpu")
    assert prompts.load(path, other).made_for.name == "nano"
    with torch.no_grad():
        other.unet.conv_in.bias += 1e-3
    other.unet.save_pretrained(tmp_path / "nano" / "unet", max_shard_size="3MB")
    with pytest.raises(SD4MatchError, match="made for backbone nano"):
        prompts.load(path, backbones.load(str(tmp_path / "nano"), device="cpu"))


def test_a_missing_file_is_named(nano, tmp_path):
    with pytest.raises(SD4MatchError, match=r"no prompt file at .*absent"):
        prompts.load(tmp_path / "absent", nano)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_other_files_are_refused(nano, tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(SD4MatchError, match=r"file is not a readable prompt file") as caught:
        prompts.load(path, nano)
    assert "\n" not in str(caught.value)


def test_a_folder_is_refused(nano, tmp_path):
    with pytest.raises(SD4MatchError, match="not a readable prompt file"):
        prompts.load(tmp_path, nano)


def rewrite(path, *, tensors=None, **changes):
    header = prompts.read_header(path) | changes
    write(path, load_file(path) if tensors is None else tensors, header)


def write(path, tensors, header):
    metadata = {"sd4match": json.dumps(header | {seal.ENTRY: seal.BLANK})}
    save_file(tensors, path, metadata=metadata)
    seal.close(path)


def test_a_changed_byte_is_noticed(nano, path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # the last weight's sign or exponent
    path.write_bytes(content)
    with pytest.raises(SD4MatchError, match=f"{path}: damaged since it was written"):
        prompts.load(path, nano)


def test_a_prompt_whose_tuning_failed_is_named_so(nano, path):
    rewrite(path, tensors={"embeddings": load_file(path)["embeddings"] * torch.nan})
    with pytest.raises(SD4MatchError, match="embeddings is not finite everywhere, its tuning"):
        prompts.load(path, nano)


def test_a_later_format_is_refused(nano, path):
    rewrite(path, format=2, versions={"sd4match-study": "9.0"})
    with pytest.raises(SD4MatchError, match=r"format 2, this version reads 1.*\(9.0\)"):
        prompts.load(path, nano)


def test_tensors_that_do_not_fit_the_family_are_refused(nano, path):
    rewrite(path, tensors={"alpha": torch.zeros(2)})
    with pytest.raises(SD4MatchError, match="not a readable prompt file"):
        prompts.load(path, nano)


@pytest.mark.parametrize("lost", ["family", "config", "backbone"])
def test_a_header_that_lacks_something_is_refused(nano, path, lost):
    header = prompts.read_header(path)
    del header[lost]
    write(path, load_file(path), header)
    with pytest.raises(SD4MatchError, match="not a readable prompt file"):
        prompts.load(path, nano)


def test_a_header_with_an_unknown_source_is_refused(nano, tmp_path):
    path = tmp_path / "p.safetensors"
    prompts.save(prompts.create("Img-DINO-Head-G1-C1", nano), path)
    config = prompts.read_header(path)["config"]
    rewrite(path, config={**config, "source": "Img-DINO-Hair"})
    with pytest.raises(SD4MatchError, match="not a readable prompt file"):
        prompts.load(path, nano)
    rewrite(path, config=config, image_encoder=None)
    with pytest.raises(SD4MatchError, match="not a readable prompt file"):
        prompts.load(path, nano)


def test_nanos_own_encoder_has_one_name_wherever_its_weights_lie(nano, tmp_path):
    prompts.save(prompts.create("Img-DINO-Head-G1-C1", nano), tmp_path / "p.safetensors")
    header = prompts.read_header(tmp_path / "p.safetensors")
    assert header["image_encoder"]["name"] == "nano/image_encoder"


def test_an_unknown_family_is_named(nano, path):
    rewrite(path, family="cmp")
    with pytest.raises(SD4MatchError, match="unknown prompt family 'cmp'"):
        prompts.load(path, nano)


def test_a_failed_save_leaves_the_old_file(nano, single, path):
    before = path.read_bytes()
    with pytest.raises(TypeError):
        prompts.save(single, path, training={"bad": object()})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
