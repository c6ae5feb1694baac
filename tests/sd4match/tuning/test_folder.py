"""A tuning's folder: what it holds, and going on from it."""

import pickle
import struct

import pyarrow.parquet as pq
import pytest
import torch
from tensorboardX.proto.event_pb2 import Event, SessionLog

from sd4match import prompts
from sd4match.errors import SD4MatchError
from sd4match.tuning.folder import resume, run, run_in_folder
from sd4match.tuning.recipe import TuningSettings
from sd4match.tuning.tuning import Tuning


@pytest.fixture
def begin(nano, pascal, latents):
    """A new tuning: 4 steps in 2 epochs, with the settings given."""

    def make(val=pascal["val"], **settings):
        settings = {"epochs": 2, "batch_size": 2, "kernel_size": 3} | settings
        prompt = prompts.create("single", nano, length=4, seed=1)
        return Tuning(
            nano, prompt, pascal["train"], val, TuningSettings(**settings), latents=latents
        )

    return make


@pytest.fixture
def whole(begin):
    """One that nobody stopped."""
    tuning = begin()
    while not tuning.finished:
        tuning.run_epoch()
    return tuning


class Stop:
    """Asks to stop at the n-th question."""

    def __init__(self, n):
        self.left = n

    def __call__(self):
        self.left -= 1
        return self.left <= 0


def events(folder):
    """All events of a TensorBoard folder, in the order TensorBoard reads them."""
    for file in sorted((folder / "tensorboard").iterdir()):
        data, at = file.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            yield Event.FromString(data[at + 12 : at + 12 + length])
            at += 12 + length + 4


def shown(folder):
    """tag -> the (step, value) that TensorBoard shows: a new session hides what it repeats."""
    series = {}
    for event in events(folder):
        if event.session_log.status == SessionLog.START:
            series = {
                tag: [point for point in points if point[0] < event.step]
                for tag, points in series.items()
            }
        for value in event.summary.value:
            series.setdefault(value.tag, []).append((event.step, value.simple_value))
    return series


@pytest.mark.slow
def test_a_run_yields_each_epoch_and_saves_it_first(begin, whole, tmp_path):
    tuning, file, rows = begin(), tmp_path / "last.pt", []
    for row in run(tuning, file):
        rows.append(row)
        assert torch.load(file, weights_only=True)["epoch"] == row["epoch"]
    assert rows == whole.curves
    assert tuning.finished


@pytest.mark.slow
@pytest.mark.parametrize("n", range(1, 12))
def test_a_run_stopped_anywhere_and_continued_is_the_whole_one(begin, whole, tmp_path, n):
    """Two steps, two validation pairs and a look between the epochs make five questions each."""
    file = tmp_path / "last.pt"
    first = begin()
    rows = list(run(first, file, stop=Stop(n)))
    assert first.finished == (n > 10)
    second = begin()
    rows += run(second, file)
    assert rows == second.curves == whole.curves
    assert torch.equal(second.prompt.embeddings, whole.prompt.embeddings)


@pytest.mark.slow
def test_a_running_epoch_is_saved_now_and_then(begin, tmp_path):
    file, saved = tmp_path / "last.pt", []

    def look(step, _):
        saved.append(torch.load(file, weights_only=True)["step"] if file.exists() else None)

    next(run(begin(), file, on_step=look, save_every=0))
    assert saved == [None, 1]  # before the save of their own step
    file.unlink()
    saved.clear()
    next(run(begin(), file, on_step=look))
    assert saved == [None, None]


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 half a file", pickle.dumps({"run": print}, 2)]
)
def test_a_damaged_checkpoint_is_one_clear_line(begin, tmp_path, content):
    file = tmp_path / "last.pt"
    file.write_bytes(content)
    with pytest.raises(SD4MatchError, match="remove it to start again") as caught:
        next(run(begin(), file))
    assert str(caught.value).startswith(f"{file}: damaged")
    assert "\n" not in str(caught.value)
    assert file.read_bytes() == content


@pytest.mark.slow
def test_half_a_checkpoint_and_another_programs_are_refused(begin, tmp_path):
    file = tmp_path / "last.pt"
    next(run(begin(), file))
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(SD4MatchError, match="damaged, or not a checkpoint of a tuning"):
        resume(begin(), file)
    torch.save({"state_dict": {}}, file)
    with pytest.raises(SD4MatchError, match="damaged, or not a checkpoint of a tuning"):
        resume(begin(), file)


@pytest.mark.slow
def test_a_checkpoint_of_another_tuning_is_refused(begin, tmp_path):
    file = tmp_path / "last.pt"
    next(run(begin(), file))
    with pytest.raises(SD4MatchError, match=r"last\.pt: .*another tuning: seed was 0, now 1"):
        next(run(begin(seed=1), file))
    state = torch.load(file, weights_only=True)
    state["run"]["train"] = "0" * 64
    torch.save(state, file)
    with pytest.raises(SD4MatchError, match=r"another tuning: it had other training pairs or im"):
        next(run(begin(), file))


def test_no_checkpoint_is_a_start(begin, tmp_path):
    assert not resume(begin(), tmp_path / "last.pt")


# Folders -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_folder_holds_the_best_prompt_and_the_curves(nano, begin, whole, tmp_path):
    tuning = begin()
    assert list(run_in_folder(tuning, tmp_path)) == whole.curves
    prompt = prompts.load(tmp_path / "prompt.safetensors", nano)
    assert torch.equal(prompt.embeddings, whole.best_prompt().embeddings)
    assert pq.read_table(tmp_path / "curves.parquet").to_pylist() == whole.curves
    losses = pq.read_table(tmp_path / "losses.parquet").to_pydict()
    assert losses == {"step": [1, 2, 3, 4], "loss": whole.losses}
    training = prompts.read_header(tmp_path / "prompt.safetensors")["training"]
    best = max(whole.curves, key=lambda row: row["val_pck"])
    wanted = {"data": "pf_pascal", "pairs": 4, "image_size": 64, "dtype": "float32", "epochs": 2}
    wanted |= {name: best[name] for name in ("epoch", "step", "val_pck")}
    assert training.items() >= wanted.items()


@pytest.mark.slow
def test_the_prompt_is_the_best_so_far(nano, begin, tmp_path):
    tuning = begin()
    for _ in run_in_folder(tuning, tmp_path):
        prompt = prompts.load(tmp_path / "prompt.safetensors", nano)
        assert torch.equal(prompt.embeddings, tuning.best_prompt().embeddings)
    tuning = begin()
    list(run_in_folder(tuning, tmp_path / "early", stop=Stop(2)))
    assert tuning.step == 1
    # Nothing was validated yet.
    assert not (tmp_path / "early/prompt.safetensors").exists()


@pytest.mark.slow
def test_tensorboard_shows_every_step_and_epoch(begin, whole, tmp_path):
    list(run_in_folder(begin(), tmp_path))
    series = shown(tmp_path)
    assert series.keys() == {"train/loss", "val/pck"}
    assert dict(series["train/loss"]) == pytest.approx(dict(enumerate(whole.losses, start=1)))
    scores = {row["step"]: row["val_pck"] for row in whole.curves}
    assert dict(series["val/pck"]) == pytest.approx(scores)


class KilledError(Exception):
    """As hard an end as a test can give."""


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_a_killed_run_repeats_nothing_on_tensorboard(begin, whole, tmp_path, step):
    """What came after the last checkpoint is learned, and logged, again."""

    def kill(done, _):
        if done == step:
            raise KilledError

    with pytest.raises(KilledError):
        list(run_in_folder(begin(), tmp_path, on_step=kill))
    for _ in range(2):  # the second finds it finished
        tuning = begin()
        list(run_in_folder(tuning, tmp_path))
        assert tuning.curves == whole.curves
        series = shown(tmp_path)
        assert [point[0] for point in series["train/loss"]] == [1, 2, 3, 4]
        assert [point[0] for point in series["val/pck"]] == [2, 4]
    logged = [e for e in events(tmp_path) if any(v.tag == "train/loss" for v in e.summary.value)]
    if step > 2:  # in the second epoch: it was logged twice, and the first time is hidden
        assert len(logged) == step + 2


@pytest.mark.slow
def test_without_validation_the_last_epoch_is_kept(nano, begin, tmp_path):
    tuning = begin(val=None)
    list(run_in_folder(tuning, tmp_path))
    prompt = prompts.load(tmp_path / "prompt.safetensors", nano)
    assert torch.equal(prompt.embeddings, tuning.prompt.embeddings)
    header = prompts.read_header(tmp_path / "prompt.safetensors")
    assert (header["training"]["epoch"], header["training"]["val_pck"]) == (2, None)
    assert shown(tmp_path).keys() == {"train/loss"}


@pytest.mark.slow
def test_a_finished_folder_is_made_whole_again(begin, tmp_path):
    list(run_in_folder(begin(), tmp_path))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    (tmp_path / "prompt.safetensors").unlink()
    assert list(run_in_folder(begin(), tmp_path)) == []
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()} == before
