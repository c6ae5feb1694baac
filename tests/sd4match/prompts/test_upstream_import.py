"""Import of upstream's files, built here from docs/explanation/method.md section 6."""

import json

import pytest
import torch
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from sd4match import backbones, prompts
from sd4match.backbones.text import encode_embeddings
from sd4match.errors import SD4MatchError
from sd4match.prompts.family_facts import SOURCES

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


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
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
        refused(path, nano, "does not have the BOS, EOS and padding embeddings of nano")


@pytest.mark.parametrize("row", [0, 6, 7, 76])
def test_every_row_of_the_frame_counts(nano, rows, write, row):
    whole = rows(5)
    whole[row] *= 1.05
    refused(write("mine", "caption.pt", {"dataset": whole[None]}), nano, "does not have the BOS")


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
    refused(path, nano, r"show its setting \(they match none\)")
    state["linear_C.weight"] = torch.zeros(nano.hidden_size, 2 * 768)
    refused(write("mine", "ckpt.pt", state), nano, "with Pair-DINO-Feat-G3-C5 it must be")
    state = random_state(nano, "Pair-DINO-Head", 0, 5)
    state["linear.weight"] = torch.zeros(nano.hidden_size, 2 * 768)
    refused(write("mine", "ckpt.pt", state), nano, "with Pair-DINO-Head-G0-C5 it must be")
    state["linear.weight"] = torch.zeros(nano.hidden_size, 768)
    refused(write("mine", "ckpt.pt", state), nano, "they match Img-DINO-Feat and Img-DINO-Head")
