"""``sd4match prompts``: show, import, export."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection, Dinov2Config, Dinov2Model

from sd4match import cli, prompts


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the command in this process: (status, standard output, standard error)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sd4match", "prompts", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return (end.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def save(nano, tmp_path):
    def file(family, **options):
        prompt = prompts.create(family, nano, seed=1, **options)
        path = tmp_path / "saved" / f"{family}.safetensors"
        prompts.save(prompt, path, training={"data": "spair", "steps": 7})
        return prompt, path

    return file


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "options", "folder"),
    [
        ("class", {"length": 4, "categories": ["cat", "dog"]}, "Class_spair_sd2-1_TokenEmbeds4"),
        ("Pair-DINO-Feat-G2-C3", {}, "CPM_spair_sd2-1_Pair-DINO-Feat-G2-C3"),
    ],
)
def test_a_prompt_goes_to_upstreams_code_and_back(
    nano, save, call, tmp_path, family, options, folder
):
    prompt, path = save(family, **options)
    folder, back = tmp_path / folder, tmp_path / "back.safetensors"
    setting = folder.name.split("_")[-1]
    code, out, err = call("export", path, folder, "--backbone", "nano", "--format", "upstream")
    assert (code, err) == (0, "")
    assert str(folder) in out
    assert setting in out
    code, out, err = call("import", folder, back, "--backbone", "nano")
    assert (code, err) == (0, "")
    assert str(back) in out
    ours, theirs = prompt.state_dict(), prompts.load(back, nano).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert prompts.read_header(back)["training"] == {"imported": folder.name, "data": "spair"}


@pytest.mark.slow
def test_import_takes_the_setting_of_a_renamed_folder(nano, save, call, tmp_path):
    _, path = save("Pair-DINO-Feat-G2-C3")
    file = tmp_path / "mine" / "ckpt.pt"
    call("export", path, file, "--backbone", "nano", "--format", "upstream")
    arguments = ["import", file, tmp_path / "back", "--backbone", "nano"]
    code, _, err = call(*arguments)
    assert (code, err.count("\n")) == (1, 1)
    assert "give it, such as Pair-DINO-Feat-G25-C50" in err
    assert call(*arguments, "--setting", "Pair-DINO-Feat-G2-C3")[0] == 0
    assert prompts.read_header(tmp_path / "back")["training"] == {"imported": "mine"}


@pytest.mark.slow
def test_export_of_a_textual_inversion(nano, save, call, tmp_path):
    _, path = save("class", length=4, categories=["cat", "dog"])
    arguments = ["export", path, tmp_path / "ti", "--backbone", "nano"]
    arguments += ["--format", "textual-inversion", "--token", "<dog>"]
    code, _, err = call(*arguments)
    assert (code, err.count("\n")) == (1, 1)
    assert "name a category" in err
    code, out, _ = call(*arguments, "--category", "dog")
    assert code == 0
    assert "<dog>" in out
    assert load_file(tmp_path / "ti")["<dog>"].shape == (4, nano.hidden_size)


CROP = {"size": {"shortest_edge": 28}, "crop_size": {"height": 28, "width": 28}}


@pytest.fixture
def encoders(tmp_path):
    """kind -> folder of a tiny image encoder; CLIP's pooled width is not that of its tokens."""
    small = {"num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28}
    dino = Dinov2Config(hidden_size=8, patch_size=14, **small)
    clip = CLIPVisionConfig(
        hidden_size=12, intermediate_size=8, patch_size=7, projection_dim=6, **small
    )
    models = {"dino": Dinov2Model(dino), "clip": CLIPVisionModelWithProjection(clip)}
    colours = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 3}
    for kind, model in models.items():
        model.save_pretrained(tmp_path / kind)
        (tmp_path / kind / "preprocessor_config.json").write_text(json.dumps(CROP | colours))
    return {kind: str(tmp_path / kind) for kind in models}


@pytest.fixture
def alone(monkeypatch):
    """No network, and an error if an image encoder is loaded."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("sd4match.backbones.image_encoders.load_model", None)


@pytest.mark.slow
@pytest.mark.parametrize(
    "source", ["Pair-DINO-Feat", "Img-DINO-Head", "Pair-CLIP-Head", "Img-CLIP-Feat"]
)
def test_cpm_prompts_of_every_source_move_offline(nano, encoders, alone, call, tmp_path, source):
    backbone = replace(nano, image_encoders=encoders, _loaded={})
    made = prompts.create(f"{source}-G2-C3", backbone, seed=1)
    folder, file = tmp_path / f"CPM_spair_sd2-1_{source}-G2-C3", tmp_path / "cpm.safetensors"
    written = prompts.export_upstream(made, folder, backbone)

    kind = made.reads.encoder
    named = ("--image-encoder", f"{kind}={encoders[kind]}")
    code, out, err = call("import", folder, file, "--backbone", "nano", *named)
    assert (code, err) == (0, "")
    assert "cpm prompt of 5 tokens" in out
    ours = prompts.load(file, backbone)
    assert ours.encoder_made_for == made.encoder_made_for
    assert all(torch.equal(v, ours.state_dict()[k]) for k, v in made.state_dict().items())

    shutil.rmtree(encoders[kind])  # an export does not need it
    back = ("export", file, tmp_path / "back.pt", "--backbone", "nano", "--format", "upstream")
    assert call(*back)[0] == 0
    assert (tmp_path / "back.pt").read_bytes() == written.read_bytes()


@pytest.mark.slow
def test_export_checks_an_image_encoder_that_is_named(encoders, alone, save, call, tmp_path):
    _, path = save("Pair-DINO-Feat-G2-C3")
    where = (path, tmp_path / "out", "--backbone", "nano", "--format", "upstream")
    code, _, err = call("export", *where, "--image-encoder", f"dino={encoders['dino']}")
    assert (code, err.count("\n")) == (1, 1)
    assert "was made for image encoder nano/image_encoder" in err
    code, _, err = call("export", *where, "--image-encoder", f"clip={encoders['clip']}")
    assert (code, err.count("\n")) == (1, 1)
    assert "this cpm prompt reads a dino encoder: leave it out" in err
    assert not (tmp_path / "out").exists()
    assert call("export", *where, "--image-encoder", "dino=nano/image_encoder")[0] == 0


@pytest.mark.slow
def test_a_missing_image_encoder_and_revisions_end_in_one_line(alone, call, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    file = tmp_path / "CPM_spair_sd2-1_Pair-CLIP-Head-G0-C3" / "ckpt.pt"
    file.parent.mkdir()
    torch.save({"positional_embedding": torch.zeros(1, 3, 8)}, file)
    arguments = ("import", file, tmp_path / "out", "--backbone", "nano")
    for more, said in (
        ((), "image encoder laion/CLIP-ViT-H-14-laion2B-s32B-b79K: "),
        (("--image-encoder", "clip"), "write dino=NAME or clip=NAME"),
        (("--revision", "main"), "a revision belongs to a hub id"),
    ):
        code, _, err = call(*arguments, *more)
        assert (code, err.count("\n")) == (1, 1)
        assert said in err


def test_export_names_its_formats(save, call, tmp_path):
    _, path = save("empty")
    code, _, err = call("export", path, tmp_path / "o", "--backbone", "nano", "--format", "upsteam")
    assert (code, err.count("\n")) == (1, 1)
    assert "unknown format 'upsteam': did you mean 'upstream'" in err


def test_show_tells_all_of_the_header(nano, save, call):
    _, path = save("Pair-DINO-Feat-G2-C3")
    code, out, err = call("show", path)
    assert (code, err) == (0, "")
    facts = dict(re.split(r" {2,}", line, maxsplit=1) for line in out.splitlines())
    assert facts["family"] == "cpm"
    assert facts["source"] == "Pair-DINO-Feat"
    assert facts["global_tokens"] == f"2×{nano.hidden_size} F32"
    assert facts["backbone"] == f"nano ({nano.fingerprint[:12]})"
    assert nano.image_encoder("dino").fingerprint[:12] in facts["image encoder"]
    assert (facts["training data"], facts["training steps"]) == ("spair", "7")


@pytest.mark.parametrize("family", ["text", "single", "Pair-DINO-Feat-G2-C3"])
def test_show_is_readable_by_programs(save, call, family):
    prompt, path = save(family)
    code, out, _ = call("show", path, "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown == prompts.read_header(path)
    tensors = shown["tensors"]
    shapes = {name: list(value.shape) for name, value in prompt.state_dict().items()}
    assert {name: tensor["shape"] for name, tensor in tensors.items()} == shapes


@pytest.mark.slow
def test_show_needs_no_torch(save):
    """So it answers at once."""
    _, path = save("single")
    code = (
        "import sys; from sd4match import cli\n"
        f"sys.argv = ['sd4match', 'prompts', 'show', {str(path)!r}]\n"
        "try: cli.main()\n"
        "finally: assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "single" in done.stdout


def test_show_refuses_other_files_in_one_line(call, tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    (tmp_path / "text").write_text("hello")
    for name in ("absent", "text", "other.safetensors", ""):
        code, out, err = call("show", tmp_path / name)
        assert (code, out, err.count("\n")) == (1, "", 1)
        said = "no prompt file at" if name == "absent" else "is not a readable prompt file"
        assert said in err


def test_export_refuses_what_would_have_no_effect(save, call, tmp_path):
    _, path = save("single")
    where = ("--backbone", "nano", "--format", "upstream", "--category", "cat")
    code, out, err = call("export", path, tmp_path / "out", *where)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["import", "export", "show"])
def test_help_shows_an_example(call, command):
    code, out, _ = call(command, "--help")
    assert code == 0
    assert f"Example: sd4match prompts {command}" in out
