"""Upstream's prompt files, built here from the tensor names of docs/explanation/method.md section 6."""

import copy
import json
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import load_file
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from sd4match import backbones, prompts
from sd4match.backbones.text import encode_embeddings
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


def refused(path, backbone, match, **options):
    with pytest.raises(SD4MatchError, match=match) as caught:
        prompts.import_upstream(path, backbone, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("length", [1, 25, 75])
def test_a_single_prompt_is_the_text_encoder_on_the_stored_rows(nano, rows, write, length):
    stored = rows(length)[None]
    path = write(f"Single_spair_sd2-1_TokenEmbeds{length}", "caption.pt", {"dataset": stored})
    prompt = prompts.import_upstream(path.parent, nano)
    assert (prompt.family, prompt.length) == ("single", length)
    assert prompt.made_for.fingerprint == nano.fingerprint
    assert torch.equal(prompt.hidden_states(nano), encode_embeddings(nano, stored))


def test_a_class_prompt_has_upstreams_categories(nano, rows, write):
    stored = {"cat": rows(9, seed=1)[None], "bus": rows(9, seed=2)[None]}
    path = write("Class_pfpascal_sd2-1_TokenEmbeds9", "caption.pt", stored)
    prompt = prompts.import_upstream(path, nano)
    assert (prompt.family, prompt.categories) == ("class", ("bus", "cat"))
    for category, whole in stored.items():
        expected = encode_embeddings(nano, whole)
        assert torch.equal(prompt.hidden_states(nano, category), expected)


@pytest.mark.parametrize("names", [("dataset",), ("cat", "dog")])
def test_hidden_states_skip_the_text_encoder(nano, write, names):
    stored = {name: torch.rand(1, 77, nano.hidden_size) for name in names}
    kind = "Single" if names == ("dataset",) else "Class"
    path = write(f"{kind}_spair_sd2-1_HiddenState", "caption.pt", stored)
    prompt = prompts.import_upstream(path, nano)
    assert prompt.family == f"{kind.lower()}_hidden"
    assert torch.equal(prompt.hidden_states(nano, names[-1]), stored[names[-1]])


@pytest.mark.parametrize("source", prompts.cpm.SOURCES)
@pytest.mark.parametrize("global_length", [0, 3])
def test_a_cpm_prompt_of_every_kind(backbone, write, source, global_length):
    state = random_state(backbone, source, global_length, 5)
    path = write(f"CPM_spair_sd2-1_{source}-G{global_length}-C5", "ckpt.pt", state)
    prompt = prompts.import_upstream(path, backbone)
    assert (prompt.family, prompt.config()["source"]) == ("cpm", source)
    assert prompt.encoder_made_for.fingerprint
    ours = prompt.state_dict()
    if global_length:
        assert torch.equal(ours["global_tokens"], state["global_embeds"][0])
    assert torch.equal(ours["positions"], state["positional_embedding"][0])
    assert torch.equal(ours["gate"], state["alpha_cond"][0])
    channels = "linear_C" if "linear_C.bias" in state else "linear"
    assert torch.equal(ours["mix_channels.weight"], state[f"{channels}.weight"])
    assert torch.equal(ours["mix_channels.bias"], state[f"{channels}.bias"])
    assert ("mix_patches.weight" in ours) == ("linear_N.weight" in state)
    if "linear_N.weight" in state:
        assert torch.equal(ours["mix_patches.weight"], state["linear_N.weight"])
        assert torch.equal(ours["mix_patches.bias"], state["linear_N.bias"])
    tokens, features = backbone.image_encoder(prompt.reads.encoder).shape(prompt.reads.part)
    content = torch.zeros(1, tokens, features * (2 if prompt.depends_on == "pair" else 1))
    assert prompt.hidden_states(backbone, content=content).shape == (1, 77, backbone.hidden_size)


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
    refused(path, nano, "not a whole file of tensors alone")
    assert not (tmp_path / "bad").exists()
    torch.load(path, weights_only=False)
    assert (tmp_path / "bad").exists()  # so the file would have done it


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_half_a_file_is_refused(nano, rows, write, share):
    path = write("mine", "caption.pt", {"dataset": rows(4)[None]})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    refused(path, nano, "caption.pt: not a whole file of tensors alone")


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


def test_another_width_names_both(nano, write):
    path = write("mine", "caption.pt", {"dataset": torch.zeros(1, 77, 1024)})
    width = nano.hidden_size
    match = rf"1×77×1024 \(Stable Diffusion 2\), for nano it must be 1×77×{width}"
    refused(path, nano, match)
    state = random_state(nano, "Pair-DINO-Feat", 3, 2)
    state["global_embeds"] = torch.zeros(1, 3, 768)
    path = write("CPM_spair_sd1-5_Pair-DINO-Feat-G3-C2", "ckpt.pt", state)
    refused(path, nano, rf"1×3×768 \(Stable Diffusion 1\), for nano .* must be 1×3×{width}")


def test_tokens_of_another_text_encoder_are_refused(nano, rows, write):
    whole = rows(5)
    other = torch.randn(whole.shape, generator=torch.Generator().manual_seed(1)) * whole.std()
    other[1:6] = whole[1:6]
    for folder in ("mine", "Single_spair_sd2-1_TokenEmbeds5"):
        path = write(folder, "caption.pt", {"dataset": other[None]})
        refused(path, nano, "not framed by the BOS, EOS and padding embeddings of nano")


@pytest.mark.parametrize("row", [0, 6, 7, 76])
def test_every_row_of_the_frame_counts(nano, rows, write, row):
    whole = rows(5)
    whole[row] *= 1.05
    refused(write("mine", "caption.pt", {"dataset": whole[None]}), nano, "not framed by")


def test_what_is_said_must_be_what_is_there(nano, rows, write):
    stored = {"dataset": rows(5)[None]}
    told = write("Single_spair_sd2-1_TokenEmbeds6", "caption.pt", stored)
    refused(told, nano, "dataset holds TokenEmbeds5, not TokenEmbeds6")
    assert prompts.import_upstream(told, nano, setting="TokenEmbeds5").length == 5
    refused(told, nano, "holds TokenEmbeds5, not HiddenState", setting="HiddenState")
    refused(told, nano, "unknown setting 'Tokens5'", setting="Tokens5")
    mixed = write("mine", "caption.pt", {"cat": rows(5)[None], "dog": rows(4)[None]})
    refused(mixed, nano, "dog holds TokenEmbeds4, not TokenEmbeds5")


def test_a_cpm_that_does_not_fit_its_setting_is_refused(nano, write):
    state = random_state(nano, "Pair-DINO-Feat", 3, 5)
    path = write("CPM_spair_sd2-1_Pair-DINO-Feat-G3-C5", "ckpt.pt", state)
    prompts.import_upstream(path, nano)
    refused(
        path, nano, "alpha_cond is 1×5|positional_embedding is 1×5", setting="Pair-DINO-Feat-G3-C4"
    )
    refused(path, nano, "linear_C.bias, .*has.* linear.bias", setting="Img-DINO-Feat-G3-C5")
    refused(path, nano, "holds a cpm prompt, not TokenEmbeds5", setting="TokenEmbeds5")
    del state["alpha_cond"]
    path = write("CPM_spair_sd2-1_Pair-DINO-Feat-G3-C5", "ckpt.pt", state)
    refused(path, nano, "has alpha_cond, .*fetch it again")


def test_tensors_tell_the_setting_of_a_cpm_where_they_can(nano, write):
    """With upstream's image encoders, whose widths are no secret; nano's are narrower."""
    state = random_state(nano, "Pair-DINO-Feat", 3, 5)
    path = write("mine", "ckpt.pt", state)
    refused(path, nano, r"tell its setting \(they fit none\)")
    state["linear_C.weight"] = torch.zeros(nano.hidden_size, 2 * 768)
    refused(write("mine", "ckpt.pt", state), nano, "with Pair-DINO-Feat-G3-C5 it must be")
    state = random_state(nano, "Pair-DINO-Head", 0, 5)
    state["linear.weight"] = torch.zeros(nano.hidden_size, 2 * 768)
    refused(write("mine", "ckpt.pt", state), nano, "with Pair-DINO-Head-G0-C5 it must be")
    state["linear.weight"] = torch.zeros(nano.hidden_size, 768)
    refused(write("mine", "ckpt.pt", state), nano, "they fit Img-DINO-Feat and Img-DINO-Head")


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


@pytest.mark.parametrize(("family", "options"), FAMILIES)
def test_what_is_exported_comes_back(backbone, tmp_path, family, options):
    prompt = prompts.create(family, backbone, seed=3, **options)
    folder = tmp_path / f"Any_spair_sd2-1_{prompts.upstream.setting_of(prompt)}".replace(
        "Any", "CPM"
    )
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


@pytest.mark.parametrize("length", [1, 5, 75])
@pytest.mark.parametrize("category", [None, "cat"])
def test_diffusers_reads_the_textual_inversion(nano, tmp_path, length, category):
    """Up to EOS: what follows is padding, of which diffusers' is another token."""
    family = "class" if category else "single"
    options = {"categories": ["dog", "cat"]} if category else {}
    prompt = prompts.create(family, nano, seed=2, length=length, **options)
    with torch.no_grad():
        for parameter in prompt.parameters():
            parameter += torch.randn_like(parameter) / 2  # no words any more
    path = tmp_path / "ti.safetensors"
    prompts.export_textual_inversion(prompt, path, nano, category=category)
    assert [value.shape for value in load_file(path).values()] == [(length, nano.hidden_size)]

    pipe = StableDiffusionPipeline(
        vae=nano.vae,
        text_encoder=copy.deepcopy(nano.text_encoder),
        tokenizer=copy.deepcopy(nano.tokenizer),
        unet=nano.unet,
        scheduler=nano.scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.load_textual_inversion(str(path))
    text = pipe.maybe_convert_prompt("<sd4match>", pipe.tokenizer)
    assert len(pipe.tokenizer(text).input_ids) == length + 2
    hidden = pipe.encode_prompt("<sd4match>", "cpu", 1, False)[0]
    expected = prompt.hidden_states(nano, category)
    until_eos = slice(length + 2)
    torch.testing.assert_close(hidden[:, until_eos], expected[:, until_eos], atol=1e-4, rtol=0)


@pytest.mark.parametrize("family", ["empty", "single_hidden", "Pair-DINO-Feat-G3-C5"])
def test_what_is_no_token_is_no_textual_inversion(nano, tmp_path, family):
    prompt = prompts.create(family, nano)
    with pytest.raises(SD4MatchError, match="no fixed tokens that a textual inversion could hold"):
        prompts.export_textual_inversion(prompt, tmp_path / "ti", nano)


def test_a_textual_inversion_needs_the_right_names(nano, tmp_path):
    single = prompts.create("single", nano, length=2)
    per_class = prompts.create("class", nano, length=2, categories=["cat"])
    for prompt, options, match in [
        (per_class, {}, "name a category for class prompts"),
        (per_class, {"category": "dog"}, "never learned for category 'dog'"),
        (single, {"category": "cat"}, "and none for single ones"),
        (single, {"token": "two words"}, "must be one word that is new to nano"),
        (single, {"token": ""}, "must be one word"),
        (single, {"token": nano.tokenizer.eos_token}, "must be one word that is new"),
    ]:
        with pytest.raises(SD4MatchError, match=match):
            prompts.export_textual_inversion(prompt, tmp_path / "ti", nano, **options)
    assert not (tmp_path / "ti").exists()
