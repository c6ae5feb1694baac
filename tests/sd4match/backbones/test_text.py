import pytest
import torch
from diffusers import StableDiffusionPipeline

from sd4match import backbones
from sd4match.backbones.text import embed_ids, encode_embeddings, encode_text, token_ids

pytestmark = pytest.mark.slow

TEXTS = ["", "a photo of a cat", "Ein Bild: 日本 🙂 123 o'clock", "red car " * 60]


@pytest.fixture(params=["nano", "tiny"])
def backbone(request, nano, tiny_original):
    return nano if request.param == "nano" else backbones.load(str(tiny_original), device="cpu")


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_encoded_as_by_diffusers(backbone, text):
    pipeline = StableDiffusionPipeline(
        vae=backbone.vae,
        text_encoder=backbone.text_encoder,
        tokenizer=backbone.tokenizer,
        unet=backbone.unet,
        scheduler=backbone.scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    theirs = pipeline.encode_prompt(text, "cpu", 1, False)[0]
    ours = encode_text(backbone, text)
    assert ours.shape == (1, 77, backbone.hidden_size)
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("text", TEXTS)
def test_the_way_through_embeddings_is_exact(backbone, text):
    ids = token_ids(backbone, text)
    assert torch.equal(
        encode_embeddings(backbone, embed_ids(backbone, ids)), encode_text(backbone, text)
    )


def test_embeddings_of_several_prompts_and_their_gradients(backbone):
    ids = torch.cat([token_ids(backbone, text) for text in TEXTS])
    embeddings = embed_ids(backbone, ids).requires_grad_()
    hidden = encode_embeddings(backbone, embeddings)
    assert hidden.shape == (len(TEXTS), 77, backbone.hidden_size)
    # Attention is causal: the state at token 9 depends on tokens 0 to 9 of its own prompt.
    hidden[1, 9].square().sum().backward()
    reached = embeddings.grad.abs().sum(-1) > 0
    assert reached[1].nonzero().flatten().tolist() == list(range(10))
    assert not reached[[0, 2, 3]].any()


def test_the_hook_leaves_even_when_the_model_fails(backbone):
    before = encode_text(backbone, "a cat")
    with pytest.raises(RuntimeError):
        encode_embeddings(backbone, torch.zeros(1, 77, backbone.hidden_size + 1))
    assert torch.equal(encode_text(backbone, "a cat"), before)
    core = getattr(backbone.text_encoder, "text_model", backbone.text_encoder)
    assert not core.embeddings._forward_hooks
