"""Finding and reading upstream's files."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from sd4match import backbones, prompts
from sd4match.errors import SD4MatchError
from sd4match.prompts.upstream_files import find_upstream

PROCESSING = {
    "size": {"shortest_edge": 28},
    "crop_size": {"height": 28, "width": 28},
    "resample": 3,
    "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3,
}


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """Nano with a tiny CLIP vision tower whose pooled width is not that of its tokens."""
    folder = tmp_path_factory.mktemp("clip")
    config = CLIPVisionConfig(
        hidden_size=12,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=28,
        patch_size=7,
        projection_dim=6,
    )
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSING))
    return backbones.load("nano", device="cpu", image_encoders={"clip": str(folder)})


@pytest.fixture
def rows(nano):
    """(77, D) of random words between BOS and EOS, then token 0, from the embedding layer."""

    def make(length, seed=0):
        generator = torch.Generator().manual_seed(seed)
        words = torch.randint(1, 100, (length,), generator=generator).tolist()
        ids = [nano.tokenizer.bos_token_id, *words, nano.tokenizer.eos_token_id]
        core = getattr(nano.text_encoder, "text_model", nano.text_encoder)
        ids = torch.tensor([ids + [0] * (75 - length)])
        with torch.no_grad():
            whole = core.embeddings(input_ids=ids)[0].clone()
            whole[1 : length + 1] += torch.randn(length, whole.shape[1], generator=generator)
        return whole

    return make


@pytest.fixture
def write(tmp_path):
    def file(folder, name, content):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        torch.save(content, path)
        return path

    return file


def refused(path, backbone, match, **options):
    with pytest.raises(SD4MatchError, match=match) as caught:
        prompts.import_upstream(path, backbone, **options)
    assert "\n" not in str(caught.value)


def test_what_training_code_leaves_in_files_is_read(nano, rows, write, monkeypatch):
    """Half precision, a GPU's parameters that require gradients, a module's own ordered state."""
    stored = rows(6)
    with monkeypatch.context() as gpu:
        gpu.setattr(torch.serialization, "location_tag", lambda _: "cuda:0")
        path = write("renamed", "caption.pt", {"dataset": nn.Parameter(stored[None].half())})
    prompt = prompts.import_upstream(path, nano)
    assert (prompt.length, prompt.embeddings.dtype) == (6, torch.float32)
    assert torch.equal(prompt.embeddings, stored[1:7].half().float())

    module = nn.Module()
    for name in ("global_embeds", "positional_embedding", "alpha_cond"):
        module.register_parameter(name, nn.Parameter(torch.rand(1, 3, nano.hidden_size)))
    channels = nano.image_encoder("dino").shape("head")[1]
    module.linear = nn.Linear(channels, nano.hidden_size)
    path = write("other", "ckpt.pt", module.state_dict())
    prompt = prompts.import_upstream(path, nano, setting="Img-DINO-Head-G3-C3")
    assert torch.equal(prompt.mix_channels.weight, module.linear.weight)
    assert torch.equal(prompt.gate, module.alpha_cond[0])


@pytest.mark.parametrize(
    ("folder", "setting", "training"),
    [
        (
            "CPM_pf_pascal_sd2-1_Pair-DINO-Feat-G25-C50",
            "Pair-DINO-Feat-G25-C50",
            {"data": "pf_pascal"},
        ),
        ("Single_spair_sd2-1_TokenEmbeds75", "TokenEmbeds75", {"data": "spair"}),
        ("Class_spair_sd1-5_HiddenState", "HiddenState", {"data": "spair"}),
        ("TokenEmbeds7", "TokenEmbeds7", {}),
        ("mine", None, {}),
    ],
)
def test_the_folders_name_tells_the_setting(write, folder, setting, training):
    path = write(folder, "caption.pt", {})
    found = find_upstream(path.parent)
    assert (found.path, found.setting) == (path, setting)
    assert found.training == {"imported": folder, **training}
    assert find_upstream(path, setting="HiddenState").setting == "HiddenState"


class Malicious:
    """Unpickled carelessly, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("wrap", [lambda bad: bad, lambda bad: {"dataset": bad}])
def test_other_pickles_are_never_run(nano, write, tmp_path, wrap):
    path = write("Single_spair_sd2-1_TokenEmbeds4", "caption.pt", wrap(Malicious(tmp_path / "bad")))
    refused(path, nano, "not a complete file of tensors only")
    assert not (tmp_path / "bad").exists()
    torch.load(path, weights_only=False)
    assert (tmp_path / "bad").exists()  # so the file would have done it


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_half_a_file_is_refused(nano, rows, write, share):
    path = write("mine", "caption.pt", {"dataset": rows(4)[None]})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    refused(path, nano, "caption.pt: not a complete file of tensors only")


@pytest.mark.parametrize(
    "content",
    [
        {},
        [torch.zeros(2)],
        {"dataset": 3},
        {"dataset": torch.zeros(2, dtype=torch.int64)},
        {"dataset": torch.zeros(())},
        {"dataset": torch.zeros(2, 2).to_sparse()},
        {"dataset": torch.zeros(2, device="meta")},
        {3: torch.zeros(1, 77, 64)},
    ],
)
def test_other_contents_are_refused(nano, write, content):
    refused(write("mine", "caption.pt", content), nano, "not a table of tensors")


def test_a_missing_file_is_named(nano, tmp_path, write):
    refused(tmp_path / "absent.pt", nano, r"absent\.pt: 0 prompt files")
    refused(tmp_path, nano, "0 prompt files of upstream: name one")
    write("both", "caption.pt", {})
    write("both", "ckpt.pt", {})
    refused(tmp_path / "both", nano, "2 prompt files")


def test_values_that_are_not_finite_are_refused(nano, rows, write):
    bad = rows(4)[None]
    bad[0, 2, 0] = torch.inf
    refused(write("mine", "caption.pt", {"dataset": bad}), nano, "dataset is not finite")
