"""A request to stop: it reaches the launch, and the asker hears when the launch has ended."""

import signal
import threading
import time

import pytest

from sd4match.errors import SD4MatchError
from study.store import requests
from study.store.lock import alone
from study.store.mirror import Mirror, local
from study.store.requests import obeying, request_stop


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(requests, "LOOK", 0.01)
    monkeypatch.setattr(requests, "LOOK_FAR", 0.01)


@pytest.fixture
def terminated():
    """SIGTERM interrupts as in a launch."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_launch_is_stopped_and_the_asker_waits_for_it(tmp_path, quick, terminated):
    said = []
    asker = threading.Thread(target=lambda: said.append(request_stop(tmp_path / "small")))
    with pytest.raises(KeyboardInterrupt), alone(tmp_path / "small"):  # noqa: PT012
        (tmp_path / "small" / "study.json").touch()
        with obeying(tmp_path / "small"):
            asker.start()
            time.sleep(20)
    asker.join()
    assert said == ["study small: its process has stopped; `study launch small` continues it"]
    assert [file.name for file in (tmp_path / "small").iterdir()] == ["study.json"]


def test_no_launch_runs(tmp_path):
    with pytest.raises(SD4MatchError, match="study small: no launch runs"):
        request_stop(tmp_path / "small")


def test_a_launch_that_does_not_end_is_said(tmp_path, quick):
    refused = pytest.raises(SD4MatchError, match=r"has not yet after 0\.05 s")
    with alone(tmp_path / "small"), refused:
        request_stop(tmp_path / "small", patience=0.05)
    # That request is void for the next launch.
    with alone(tmp_path / "small"), obeying(tmp_path / "small"):
        time.sleep(0.1)
        assert not (tmp_path / "small" / requests.FOLDER).exists()


@pytest.mark.slow
def test_from_another_machine(results, machine, quick, terminated):
    machine("one")
    folder = local(f"{results}/small")
    with pytest.raises(KeyboardInterrupt), obeying(folder):  # noqa: PT012
        Mirror(folder).put(folder / requests.FOLDER / "elsewhere", b"stop\n")
        time.sleep(20)
    assert Mirror(folder).sizes() == {}
