"""Export to upstream's files."""

import json

import pytest
import torch
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from sd4match import backbones, prompts
from sd4match.errors import SD4MatchError
from sd4match.prompts.upstream_files import setting_of

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


def random_state(backbone, source, global_length, content_length):
    """A ``ckpt.pt`` of a grammar kind."""
    images, encoder, part = source.split("-")
    tokens, channels = backbone.image_encoder(encoder.lower()).shape(part.lower())
    width, read = backbone.hidden_size, channels * (2 if images == "Pair" else 1)
    shapes = {
        "global_embeds": (1, global_length, width),
        "positional_embedding": (1, content_length, width),
        "alpha_cond": (1, content_length, width),
    }
    if global_length == 0:
        del shapes["global_embeds"]
    if images == "Pair" and part == "Feat":
        shapes |= {"linear_C.weight": (width, read), "linear_C.bias": (width,)}
        shapes |= {"linear_N.weight": (tokens, tokens), "linear_N.bias": (tokens,)}
    else:
        shapes |= {"linear.weight": (width, read), "linear.bias": (width,)}
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


FAMILIES = [
    ("single", {"length": 6}),
    ("single", {}),
    ("class", {"length": 6, "categories": ["dog", "cat"]}),
    ("single_hidden", {}),
    ("class_hidden", {"categories": ["dog", "cat"]}),
    ("Pair-DINO-Feat-G3-C5", {}),
    ("Pair-CLIP-Head-G0-C5", {}),
    ("Img-CLIP-Feat-G2-C1", {}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "options"), FAMILIES)
def test_what_is_exported_comes_back(backbone, tmp_path, family, options):
    prompt = prompts.create(family, backbone, seed=3, **options)
    folder = tmp_path / f"Any_spair_sd2-1_{setting_of(prompt)}".replace("Any", "CPM")
    written = prompts.export_upstream(prompt, folder, backbone)
    assert written == folder / ("ckpt.pt" if prompt.family == "cpm" else "caption.pt")
    again = prompts.import_upstream(folder, backbone)
    assert (type(again), again.config()) == (type(prompt), prompt.config())
    assert again.state_dict().keys() == prompt.state_dict().keys()
    assert all(torch.equal(v, again.state_dict()[k]) for k, v in prompt.state_dict().items())
    copy_of = prompts.export_upstream(again, tmp_path / "copy.pt", backbone)
    assert copy_of.read_bytes() == written.read_bytes()


def test_an_exported_file_is_as_upstreams_code_wants_it(nano, rows, write, tmp_path):
    stored = {name: rows(8, seed)[None] for seed, name in enumerate(["bus", "cat"])}
    prompt = prompts.import_upstream(write("mine", "caption.pt", stored), nano)
    content = torch.load(prompts.export_upstream(prompt, tmp_path / "out", nano))
    assert content.keys() == stored.keys()
    assert all(torch.equal(content[name], whole) for name, whole in stored.items())
    assert not any(value.requires_grad for value in content.values())

    state = random_state(nano, "Pair-DINO-Feat", 0, 5)
    path = write("CPM_spair_sd2-1_Pair-DINO-Feat-G0-C5", "ckpt.pt", state)
    prompt = prompts.import_upstream(path, nano)
    content = torch.load(prompts.export_upstream(prompt, tmp_path / "out", nano))
    assert content.keys() == state.keys()
    assert all(torch.equal(content[name], value) for name, value in state.items())


@pytest.mark.parametrize("family", ["empty", "text"])
def test_upstream_has_no_files_of_written_prompts(nano, tmp_path, family):
    with pytest.raises(SD4MatchError, match=f"upstream has no files for {family} prompts"):
        prompts.export_upstream(prompts.create(family, nano), tmp_path / "out", nano)
    assert not (tmp_path / "out").exists()
