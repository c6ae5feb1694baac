"""``sd4match tune``: real commands on nano."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sd4match import prompts
from sd4match.commands.tune import _interruptible
from sd4match.prompts.header import read_header
from sd4match.tuning import folder
from sd4match.tuning.recipe import TuningSettings
from sd4match.tuning.tuning import Tuning

COMMAND = Path(sys.executable).parent / "sd4match"


NANO = ("--backbone", "nano", "--image-size", 32)


@pytest.mark.slow
def test_tune_learns_what_the_library_learns(tune, nano, pascal, tmp_path):
    code, out, err = tune(tmp_path, "--epochs", 2, "--length", 4, "--seed", 3, "--kernel-size", 3)
    assert code == 0
    assert out.startswith(f"{tmp_path / 'prompt.safetensors'}: finished, PCK@0.1 ")
    lines = err.splitlines()
    assert [line.split(",")[0] for line in lines] == ["tune single 1/2", "tune single 2/2"]
    assert all(word in lines[0] for word in ("loss", "PCK@0.1", "steps/s", "left"))

    settings = TuningSettings(epochs=2, seed=3, kernel_size=3, image_size=32)
    prompt = prompts.create("single", nano, length=4, seed=3)
    tuning = Tuning(nano, prompt, pascal["train"], pascal["val"], settings)
    while not tuning.finished:
        tuning.run_epoch()
    found = prompts.load(tmp_path / "prompt.safetensors", nano)
    assert (found.embeddings == tuning.best_prompt().embeddings).all()  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_header_says_how_it_was_learned(tune, tmp_path):
    recipe = ("--schedule", "cosine", "--warmup-steps", 1, "--fusion")
    code, _, _ = tune(tmp_path, "--steps", 2, "--length", 2, *recipe)
    assert code == 0
    training = read_header(tmp_path / "prompt.safetensors")["training"]
    named = {name: training[name] for name in ("schedule", "warmup_steps", "fusion", "steps")}
    assert named == {"schedule": "cosine", "warmup_steps": 1, "fusion": True, "steps": 2}


@pytest.mark.slow
def test_tune_takes_the_papers_steps(tune, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr("sd4match.commands.tune._run", lambda tuning, out: made.append(tuning))
    code, _, err = tune(tmp_path, "--length", 2)
    assert (code, err) == (130, "stopped after step 0 of 29430: run the same command again to "
                           "resume\n")  # fmt: skip
    assert made[0].settings.steps == 29_430


@pytest.mark.slow
def test_tune_again_finds_it_finished(tune, tmp_path):
    arguments = ("--steps", 1, "--length", 2)
    first = tune(tmp_path, *arguments)
    before = (tmp_path / "last.pt").stat().st_mtime_ns
    code, out, err = tune(tmp_path, *arguments)
    assert (code, out, err) == (0, first[1], "")
    assert (tmp_path / "last.pt").stat().st_mtime_ns == before


@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["class", "Pair-DINO-Feat-G2-C1"])
def test_tune_takes_the_other_families(tune, nano, tmp_path, prompt):
    code, _, _ = tune(tmp_path, "--steps", 1, prompt=prompt)
    assert code == 0
    found = prompts.load(tmp_path / "prompt.safetensors", nano)
    assert getattr(found, "categories", ("car", "cat")) == ("car", "cat")
    assert found.length in (75, 3)


@pytest.mark.slow
def test_tune_refuses_another_tunings_folder(tune, tmp_path):
    tune(tmp_path, "--steps", 1, "--length", 2)
    code, out, err = tune(tmp_path, "--steps", 1, "--length", 2, "--learning-rate", 0.5)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "last.pt: the checkpoint is of another tuning: learning_rate was 0.01, now 0.5" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--epochs", 1, "--steps", 1), "give exactly one"),
        (("--steps", 1, "--dtype", "float8"), "unknown dtype 'float8'"),
        (("--steps", 1, "--image-encoder", "here"), "write dino=NAME or clip=NAME"),
        (("--steps", 1, "--image-encoder", "dino="), "write dino=NAME or clip=NAME"),
        (("--steps", 1, "--length", 80), "prompt length is 80"),
        (("--steps", 9, "--schedule", "cosinus"), "did you mean 'cosine'"),
        (("--steps", 9, "--warmup-steps", 3), "has no warm-up"),
        (("--steps", 9, "--schedule", "cosine", "--warmup-steps", 9), "below the 9 steps"),
        (("--epochs", 1, "--schedule", "linear", "--warmup-steps", 9), "below the 1 steps"),
        (("--steps", 9, "--schedule", "piecewise_constant"), "needs them"),
        (("--steps", 9, "--step-rules", "1:3,0"), "no other takes them"),
        (("--steps", 1, "--fusion", "--no-l2-normalize"), "does not apply to fused features"),
    ],
)
def test_tune_refuses_in_one_line(tune, tmp_path, arguments, message):
    code, out, err = tune(tmp_path / "out", *arguments)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert message in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("prompt", ["cpm", "Pair-DINO-Feat-G2-C3"])
def test_a_cpm_prompt_has_its_lengths_in_its_name(tune, tmp_path, prompt):
    code, _, err = tune(tmp_path, "--steps", 1, "--length", 4, prompt=prompt)
    assert (code, err.count("\n")) == (1, 1)
    assert f"--length belongs to single and class prompts, not to {prompt}" in err


@pytest.mark.slow
def test_tune_needs_something_to_learn(tune, tmp_path):
    code, _, err = tune(tmp_path, "--steps", 1, prompt="text")
    assert code == 1
    assert "'text' has nothing to learn" in err


def start(out, root, *more):
    """The installed command, learning for longer than any test waits."""
    where = ["--data", root, "--dataset", "pf_pascal", "--prompt", "single", "--length", 2]
    command = [COMMAND, "tune", out, *where, *NANO, *more]
    return subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A background shell may have it ignored, which children inherit.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_for(file, process):
    until = time.monotonic() + 60
    while not file.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
def test_ctrl_c_ends_after_the_step_and_the_same_command_goes_on(pascal_root, tmp_path):
    out, long = tmp_path / "out", ("--steps", 4000)
    process = start(out, pascal_root, *long)
    wait_for(out / "tensorboard", process)  # training begins
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert "press Ctrl-C again to stop at once" in stderr
    last = stderr.splitlines()[-1]
    assert last.endswith("of 4000: run the same command again to resume")
    done = int(last.split()[3])
    losses = pq.read_table(out / "losses.parquet")
    assert losses.num_rows == done

    process = start(out, pascal_root, *long)
    assert process.stderr.readline() == f"resumes after step {done} of 4000\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    more = pq.read_table(out / "losses.parquet")
    assert more.num_rows > done
    assert more.slice(0, done).equals(losses)


def test_ctrl_c_twice_ends_at_once():
    before = signal.getsignal(signal.SIGINT)
    with _interruptible() as stop:
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.slow
def test_two_tunings_do_not_share_a_folder(tune, tmp_path):
    with folder._locked(tmp_path):
        code, out, err = tune(tmp_path, "--steps", 1, "--length", 2)
    assert (code, out) == (1, "")
    assert "another tuning is running in it" in err
    assert {path.name for path in tmp_path.iterdir()} == {".lock"}


def test_wrong_settings_leave_no_folder(tune, tmp_path):
    code, _, err = tune(tmp_path / "run", "--steps", 1, "--kernel-size", 4)
    assert (code, err.count("\n")) == (1, 1)
    assert not (tmp_path / "run").exists()


def test_a_data_set_without_training_pairs_is_named(call, pascal_root, tmp_path):
    where = ("--data", pascal_root, "--dataset", "pf_willow", "--prompt", "single")
    code, _, err = call("tune", tmp_path, *where, *NANO)
    assert code == 1
    assert "training split 'pf_willow': known: pf_pascal, spair" in err
