"""``sd4match score``: PCK of files of predictions."""

import json
import subprocess
import sys

import numpy as np
import pytest

from sd4match import prompts
from sd4match.matching.readout import Readout
from sd4match.pck import scoring
from sd4match.pck.ground_truth import GroundTruth
from sd4match.prediction.predictor import predict

pytestmark = pytest.mark.slow


def test_score_is_the_librarys_pck(predicted, nano, pascal, call, caplog):
    file = predicted("--localizer", "nearest", "--layer", 1, "--layer", 2)
    alphas = ("--alpha", 0.1, "--alpha", 0.5)
    code, out, err = call("score", file, *alphas, "--protocol", "dift", "--json")
    assert (code, err) == (0, "")
    (warning,) = caplog.messages  # on standard error, outside tests
    assert "DIFT matched by localizer dense, not nearest" in warning
    facts = json.loads(out)
    pairs = pascal["test"]
    truth = GroundTruth.of(pairs)
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
        (("--by", "viewpoint"), "pf_pascal has no such grades of its pairs"),
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


def test_score_says_which_pck_it_is(predicted, call):
    file = predicted("--fusion")
    out = call("score", file, "--protocol", "dift", "--strict")[1]
    assert "fused with DINO; nano at 32 pixels; protocol dift, strict True" in out
