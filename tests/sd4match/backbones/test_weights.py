"""Weights that must all be read."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from sd4match import backbones
from sd4match.errors import SD4MatchError

pytestmark = pytest.mark.slow

TEXT = "text_encoder/model.safetensors"


def edit_weights(path, edit):
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def load(folder, **options):
    return backbones.load(str(folder), device="cpu", **options)


def models(backbone):
    return backbone.unet, backbone.vae, backbone.text_encoder


def test_older_names_of_weights_are_understood(tiny):
    """The hub's SD 1-5 stores position_ids, and the VAE's attention as query, key, value."""
    names = {"to_q.": "query.", "to_k.": "key.", "to_v.": "value.", "to_out.0.": "proj_attn."}

    def rename(tensors):
        for key in list(tensors):
            for new, old in names.items():
                if new in key:
                    tensors[key.replace(new, old)] = tensors.pop(key)

    def add_positions(tensors):
        for key in list(tensors):
            if not key.startswith("text_model."):
                tensors[f"text_model.{key}"] = tensors.pop(key)
        tensors["text_model.embeddings.position_ids"] = torch.arange(77)[None]

    before = load(tiny)
    edit_weights(tiny / "vae" / "diffusion_pytorch_model.safetensors", rename)
    edit_weights(tiny / TEXT, add_positions)
    after = load(tiny)
    for old, new in zip(models(before), models(after), strict=True):
        for name, tensor in old.state_dict().items():
            assert torch.equal(tensor, new.state_dict()[name]), name


def test_misshapen_text_weights_are_told_in_our_words(tiny):
    edit_weights(
        tiny / TEXT,
        lambda t: t.update(
            {k: v[..., :-1].contiguous() for k, v in t.items() if k.endswith("fc1.weight")}
        ),
    )
    with pytest.raises(SD4MatchError, match=r"weights misshapen for CLIPTextModel .*fc1\.weight"):
        load(tiny)
