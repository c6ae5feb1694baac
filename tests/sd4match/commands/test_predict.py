"""``sd4match predict``: real commands on nano."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from sd4match import prompts
from sd4match.matching.readout import Place, Readout
from sd4match.pck.ground_truth import GroundTruth
from sd4match.prediction.predictor import predict
from sd4match.records.parquet import about_of, settings_of

NANO = ("--backbone", "nano", "--image-size", 32)


@pytest.mark.slow
def test_predict_writes_what_the_library_predicts(predicted, nano, pascal, tmp_path):
    layers = ("--layer", 1, "--layer", 2)
    localizers = ("--localizer", "nearest", "--localizer", "kernel_softmax", "--localizer", "dense")
    kernels = ("--kernel", 3, "--kernel", 7)
    places = ("--place", "output", "--place", 2)
    file = predicted(*layers, *places, *localizers, *kernels, "--template", "{category}")
    settings = settings_of(file)
    kernels_of = [Readout(kernel_sigma=3.0), Readout(kernel_sigma=7.0)]
    readouts = [Readout("nearest"), *kernels_of, Readout("dense")]
    read = (1, Place(1, 2), 2, Place(2, 2))
    assert settings == [(layer, readout) for layer in read for readout in readouts]
    prompt = prompts.create("text", nano, template="{category}")
    expected = predict(nano, prompt, pascal["test"], ensemble=2, settings=settings, image_size=32)
    table = pq.read_table(file)
    found = np.stack([table["x"].to_numpy(), table["y"].to_numpy()], -1).reshape(expected.shape)
    truth = GroundTruth.of(pascal["test"])
    sizes = truth.sizes[truth.pair]
    assert found.dtype == np.uint16
    assert (np.abs(found / 65535 * sizes - expected.clip(0, sizes)) <= 0.51 / 65535 * sizes).all()
    about = about_of(file)
    assert (about["split"], about["timestep"], about["image_size"]) == ("test", 50, 32)
    assert sorted(path.name for path in file.parent.iterdir()) == ["predictions.parquet", "truth"]
    assert len(list((file.parent / "truth").iterdir())) == 2


@pytest.mark.slow
def test_one_pass_answers_with_and_without_l2(predicted, call):
    file = predicted("--l2-normalize", "--no-l2-normalize", "--localizer", "nearest")
    both = [Readout("nearest"), Readout("nearest", l2_normalize=False)]
    assert settings_of(file) == [(1, readout) for readout in both]
    table = pq.read_table(file)
    rows = len(table) // 2
    assert table["l2_normalize"].to_pylist() == [True] * rows + [False] * rows
    assert table["x"][:rows] != table["x"][rows:]
    code, out, _ = call("score", file)
    assert code == 0
    assert "localizer nearest\n" in out
    assert "localizer nearest, without L2 normalization\n" in out


@pytest.mark.slow
def test_a_learned_prompt_is_given_as_its_file(tune, predicted, call, tmp_path):
    tune(tmp_path / "tuned", "--steps", 1, "--length", 2)
    file = predicted(prompt=tmp_path / "tuned/prompt.safetensors")
    code, out, _ = call("score", file)
    assert code == 0
    assert "prompt.safetensors, t = 50, E = 2" in out


@pytest.mark.slow
def test_predict_again_gives_the_same_bytes(predicted):
    first = predicted().read_bytes()
    assert predicted().read_bytes() == first


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--prompt", "single"), "--prompt single must be learned first: `sd4match tune` writes"),
        (("--prompt", "text", "--layer", 4), "layer 4"),
        (("--prompt", "text", "--place", "3"), "place 3 of layer 1: nano has the places 1 to 2"),
        (("--prompt", "text", "--place", "0"), "place '0': use output"),
        (("--prompt", "none.safetensors"), "no prompt file at none.safetensors"),
        (("--prompt", "text", "--localizer", "nearst"), "did you mean 'nearest'?"),
        (("--prompt", "empty", "--template", "a {category}"), "unknown setting"),
        (("--prompt", "text", "--fusion", "--no-l2-normalize"), "does not apply to fused features"),
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


@pytest.mark.slow
def test_an_output_that_cannot_be_written_is_refused_before_any_work(
    call, tune, pascal_root, tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    (tmp_path / "truth").touch()
    monkeypatch.setattr("sd4match.prediction.predictor.predict", None)  # not to be called
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


@pytest.mark.slow
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
