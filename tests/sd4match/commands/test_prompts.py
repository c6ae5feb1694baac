"""``sd4match prompts``: show, import, export."""

import json
import re
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

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
