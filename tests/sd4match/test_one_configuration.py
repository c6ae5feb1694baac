"""``sd4match tune | predict | score``: one configuration from pairs to PCK."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sd4match import cli, prompts
from sd4match.commands.tune import _interruptible
from sd4match.matching.readout import Readout
from sd4match.pck import scoring
from sd4match.prediction.predictor import predict
from sd4match.records.parquet import about_of, settings_of
from sd4match.tuning import folder
from sd4match.tuning.recipe import TuningSettings
from sd4match.tuning.tuning import Tuning

COMMAND = Path(sys.executable).parent / "sd4match"
NANO = ("--backbone", "nano", "--image-size", 32)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SD4MATCH_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the command in this process: (status, standard output, standard error)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["sd4match", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return (end.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def tune(call, pascal_root):
    def run(out, *more, prompt="single"):
        where = ("--data", pascal_root, "--dataset", "pf_pascal", "--prompt", prompt)
        return call("tune", out, *where, *NANO, *more)

    return run


@pytest.fixture
def predicted(call, pascal_root, tmp_path):
    """The predictions of a prompt on the test split, as a file."""

    def run(*more, prompt="text"):
        out = tmp_path / "predictions.parquet"
        where = ("--data", pascal_root, "--dataset", "pf_pascal", "--prompt", prompt)
        code, _, err = call("predict", out, *where, *NANO, "--ensemble", 2, *more)
        assert (code, err) == (0, "")
        return out

    return run


# tune --------------------------------------------------------------------------------------------


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
    assert (found.embeddings == tuning.best_prompt().embeddings).all()


def test_tune_again_finds_it_finished(tune, tmp_path):
    arguments = ("--steps", 1, "--length", 2)
    first = tune(tmp_path, *arguments)
    before = (tmp_path / "last.pt").stat().st_mtime_ns
    code, out, err = tune(tmp_path, *arguments)
    assert (code, out, err) == (0, first[1], "")
    assert (tmp_path / "last.pt").stat().st_mtime_ns == before


@pytest.mark.parametrize("prompt", ["class", "Pair-DINO-Feat-G2-C1"])
def test_tune_takes_the_other_families(tune, nano, tmp_path, prompt):
    code, _, _ = tune(tmp_path, "--steps", 1, prompt=prompt)
    assert code == 0
    found = prompts.load(tmp_path / "prompt.safetensors", nano)
    assert getattr(found, "categories", ("car", "cat")) == ("car", "cat")
    assert found.length in (75, 3)


def test_tune_refuses_another_tunings_folder(tune, tmp_path):
    tune(tmp_path, "--steps", 1, "--length", 2)
    code, out, err = tune(tmp_path, "--steps", 1, "--length", 2, "--learning-rate", 0.5)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "last.pt: the checkpoint is of another tuning: learning_rate was 0.01, now 0.5" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--epochs", 1, "--steps", 1), "give exactly one"),
        (("--steps", 1, "--dtype", "float8"), "unknown dtype 'float8'"),
        (("--steps", 1, "--image-encoder", "here"), "write dino=NAME or clip=NAME"),
        (("--steps", 1, "--image-encoder", "dino="), "write dino=NAME or clip=NAME"),
        (("--steps", 1, "--length", 80), "prompt length is 80"),
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
    assert f"--length is of single and class prompts, not of {prompt}" in err


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
    assert "Ctrl-C once more stops at once" in stderr
    last = stderr.splitlines()[-1]
    assert last.endswith("of 4000: the same command again goes on from there")
    done = int(last.split()[3])
    losses = pq.read_table(out / "losses.parquet")
    assert losses.num_rows == done

    process = start(out, pascal_root, *long)
    assert process.stderr.readline() == f"goes on after step {done} of 4000\n"
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


# predict and score -------------------------------------------------------------------------------


def test_predict_writes_what_the_library_predicts(predicted, nano, pascal, tmp_path):
    layers = ("--layer", 1, "--layer", 2)
    localizers = ("--localizer", "nearest", "--localizer", "kernel_softmax")
    kernels = ("--kernel", 3, "--kernel", 7)
    file = predicted(*layers, *localizers, *kernels, "--template", "{category}")
    settings = settings_of(file)
    readouts = [Readout("nearest"), Readout(kernel_sigma=3.0), Readout(kernel_sigma=7.0)]
    assert settings == [(layer, readout) for layer in (1, 2) for readout in readouts]
    prompt = prompts.create("text", nano, template="{category}")
    expected = predict(nano, prompt, pascal["test"], ensemble=2, settings=settings, image_size=32)
    table = pq.read_table(file)
    found = np.stack([table["x"].to_numpy(), table["y"].to_numpy()], -1).reshape(expected.shape)
    truth = scoring.GroundTruth.of(pascal["test"])
    sizes = truth.sizes[truth.pair]
    assert found.dtype == np.uint16
    assert (np.abs(found / 65535 * sizes - expected.clip(0, sizes)) <= 0.51 / 65535 * sizes).all()
    about = about_of(file)
    assert (about["split"], about["timestep"], about["image_size"]) == ("test", 50, 32)
    assert sorted(path.name for path in file.parent.iterdir()) == ["predictions.parquet", "truth"]
    assert len(list((file.parent / "truth").iterdir())) == 2


def test_a_learned_prompt_is_given_as_its_file(tune, predicted, call, tmp_path):
    tune(tmp_path / "tuned", "--steps", 1, "--length", 2)
    file = predicted(prompt=tmp_path / "tuned/prompt.safetensors")
    code, out, _ = call("score", file)
    assert code == 0
    assert "prompt.safetensors, t = 50, E = 2" in out


def test_predict_again_gives_the_same_bytes(predicted):
    first = predicted().read_bytes()
    assert predicted().read_bytes() == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--prompt", "single"), "--prompt single is learned: `sd4match tune` makes its file"),
        (("--prompt", "text", "--layer", 4), "layer 4"),
        (("--prompt", "none.safetensors"), "no prompt file at none.safetensors"),
        (("--prompt", "text", "--localizer", "nearst"), "did you mean 'nearest'?"),
        (("--prompt", "empty", "--template", "a {category}"), "unknown setting"),
    ],
)
def test_predict_refuses_in_one_line(call, pascal_root, tmp_path, arguments, message):
    out = tmp_path / "p.parquet"
    where = ("--data", pascal_root, "--dataset", "pf_pascal")
    code, stdout, err = call("predict", out, *where, *NANO, *arguments)
    assert (code, stdout, err.count("\n")) == (1, "", 1)
    assert message in err
    assert not out.exists()


def test_predict_wants_a_file(call, pascal_root, tmp_path):
    where = ("--data", pascal_root, "--dataset", "pf_pascal", "--prompt", "text")
    code, _, err = call("predict", tmp_path, *where, *NANO)
    assert code == 1
    assert f"{tmp_path} is a folder" in err


def test_score_is_the_librarys_pck(predicted, nano, pascal, call):
    file = predicted("--localizer", "nearest", "--layer", 1, "--layer", 2)
    alphas = ("--alpha", 0.1, "--alpha", 0.5)
    code, out, err = call("score", file, *alphas, "--protocol", "dift", "--json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    pairs = pascal["test"]
    truth = scoring.GroundTruth.of(pairs)
    positions = predict(
        nano,
        prompts.create("text", nano),
        pairs,
        ensemble=2,
        settings=[(1, Readout("nearest")), (2, Readout("nearest"))],
        image_size=32,
    )
    right = scoring.correct(truth, positions, alpha=[0.1, 0.5], protocol="dift")
    whole, mean, car, cat = facts["scores"]
    levels = [part["level"] for part in (whole, mean, car, cat)]
    assert levels == ["all", "mean of categories", "car", "cat"]
    names = [pair.category for pair in pairs]
    by_category = scoring.aggregate(truth, right, mean="category", categories=names)
    np.testing.assert_allclose(mean["pck"], by_category)
    np.testing.assert_allclose(whole["pck"], scoring.aggregate(truth, right))
    np.testing.assert_allclose(whole["pck_point"], scoring.aggregate(truth, right, mean="keypoint"))
    assert whole["pck"] != whole["pck_point"]
    assert whole["pairs"] == car["pairs"] + cat["pairs"] == 6  # one pair has no keypoint
    of_cars = np.array([pair.category == "car" for pair in pairs])
    part = scoring.aggregate(truth.subset(of_cars), right[..., of_cars[truth.pair]])
    np.testing.assert_allclose(car["pck"], part)
    assert facts["protocol"] == {"coordinates": "original", "reference": None, "strict": False}
    assert [setting["layer"] for setting in facts["settings"]] == [1, 2]
    assert facts["alphas"] == [0.1, 0.5]


def test_score_prints_tables(predicted, call):
    file = predicted("--layer", 1, "--layer", 2)
    code, out, _ = call("score", file)
    assert code == 0
    for words in ("layer 1, localizer kernel_softmax", "layer 2,", "@0.05 image", "@0.15 point"):
        assert words in out
    assert out.count("\nall ") == out.count("\ncar ") == 2
    # As percentages of the same numbers.
    facts = json.loads(call("score", file, "--json")[1])
    shown = [f"{100 * facts['scores'][0]['pck'][a][0]:.1f}" for a in range(3)]
    assert out.split("\nall ")[1].split("\n")[0].split()[2::2] == shown


def test_score_takes_a_protocol_apart(predicted, call):
    file = predicted()
    parts = ("--coordinates", "letterbox", "--reference", "img", "--strict")
    facts = json.loads(call("score", file, *parts, "--json")[1])
    assert facts["protocol"] == {"coordinates": "letterbox", "reference": "img", "strict": True}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--by", "viewpoint"), "pf_pascal does not grade its pairs so"),
        (("--by", "colour"), "unknown --by 'colour'"),
        (("--protocol", "sd4mach"), "did you mean 'sd4match'?"),
        (("--alpha", 0), "alpha"),
    ],
)
def test_score_refuses_in_one_line(predicted, call, arguments, message):
    code, out, err = call("score", predicted(), *arguments)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert message in err


def test_score_says_what_is_missing(predicted, call, tmp_path):
    code, _, err = call("score", tmp_path / "none.parquet")
    assert code == 1
    assert "no file" in err
    file = predicted()
    for truth in (tmp_path / "truth").iterdir():
        truth.unlink()
    code, _, err = call("score", file)
    assert (code, err.count("\n")) == (1, 1)
    assert "no ground truth" in err


def test_score_needs_no_torch(predicted):
    """It answers in a second, on machines without a model."""
    code = (
        "import sys\n"
        f"sys.argv = ['sd4match', 'score', {str(predicted())!r}, '--json']\n"
        "from sd4match import cli\n"
        "try:\n    cli.main()\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "assert 'torch' not in sys.modules, 'torch'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_shows_examples(call):
    for command in ("tune", "predict", "score"):
        code, out, _ = call(command, "--help")
        assert code == 0
        assert f"Example: sd4match {command} runs/" in out


# Where nothing can be written, and other mistakes ------------------------------------------------


def test_an_output_that_cannot_be_written_is_refused_before_any_work(
    call, tune, pascal_root, tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    (tmp_path / "truth").touch()
    monkeypatch.setattr("sd4match.prediction.predict", None)  # not to be called
    where = ("--data", pascal_root, "--dataset", "pf_pascal", "--prompt", "text")
    for code, out, err in (
        call("predict", tmp_path / "file" / "p.parquet", *where, *NANO),
        call("predict", tmp_path / "p.parquet", *where, *NANO),
        tune(tmp_path / "file" / "run", "--steps", 1),
        tune(tmp_path / "file", "--steps", 1),
    ):
        assert (code, out) == (1, "")
        assert "cannot be written" in err
        assert "Traceback" not in err


def test_two_tunings_do_not_share_a_folder(tune, tmp_path):
    with folder._alone(tmp_path):
        code, out, err = tune(tmp_path, "--steps", 1, "--length", 2)
    assert (code, out) == (1, "")
    assert "another tuning is running in it" in err
    assert {path.name for path in tmp_path.iterdir()} == {".lock"}


def test_a_class_prompt_answers_for_the_categories_that_are_named(
    call, tune, predicted, pascal_root, tmp_path
):
    assert tune(tmp_path / "run", "--steps", 1, "--length", 2, prompt="class")[0] == 0
    file = predicted("--category", "car", prompt=tmp_path / "run")  # a folder will do
    assert about_of(file)["categories"] == ["car"]
    code, _, err = call("score", file)
    assert (code, err) == (0, "")
    where = ("--data", pascal_root, "--dataset", "pf_pascal", "--prompt", "text", "--category")
    code, _, err = call("predict", tmp_path / "q.parquet", *where, "carr", *NANO)
    assert (code, err.count("\n")) == (1, 1)
    assert "did you mean 'car'" in err


def test_wrong_settings_leave_no_folder(tune, tmp_path):
    code, _, err = tune(tmp_path / "run", "--steps", 1, "--kernel-size", 4)
    assert (code, err.count("\n")) == (1, 1)
    assert not (tmp_path / "run").exists()


def test_a_data_set_without_training_pairs_is_named(call, pascal_root, tmp_path):
    where = ("--data", pascal_root, "--dataset", "pf_willow", "--prompt", "single")
    code, _, err = call("tune", tmp_path, *where, *NANO)
    assert code == 1
    assert "training split 'pf_willow': known: pf_pascal, spair" in err


def test_score_says_which_pck_it_is(predicted, call):
    file = predicted("--fusion")
    out = call("score", file, "--protocol", "dift", "--strict")[1]
    assert "fused with DINO; nano at 32 pixels; protocol dift, strict True" in out
