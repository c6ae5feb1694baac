"""Signals raise KeyboardInterrupt, and leave the handlers as they were."""

import os
import signal
import threading

import pytest

from study.engine.stopping import MOST, keeping_handlers, stoppable


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_ends_the_block_and_later_ones_wait(number, status):
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with stoppable() as stop:
        stop.check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(signal.SIGINT)  # an orderly end goes on
        assert stop.status == status
        with pytest.raises(KeyboardInterrupt), stop.skipping():
            signal.raise_signal(number)
        assert not stop.skippable
        with pytest.raises(KeyboardInterrupt):  # the first one may have come in a finalizer
            stop.check()
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012
            for _ in range(MOST):
                signal.raise_signal(number)
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stoppable() as stop:
            signal.raise_signal(signal.SIGINT)
            assert stop.number is None
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_has_no_handlers():
    found = []

    def run():
        with stoppable() as stop:
            found.append(stop.number)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [None]


def test_the_handler_stays_where_another_package_sets_its_own():
    def exits(number, frame):
        raise SystemExit(number)

    with stoppable() as stop:
        ours = signal.getsignal(signal.SIGTERM)
        with keeping_handlers():
            signal.signal(signal.SIGTERM, exits)
        assert signal.getsignal(signal.SIGTERM) is ours
        # A signal that the other handler took ends the block as ours does.
        with pytest.raises(KeyboardInterrupt), keeping_handlers():  # noqa: PT012
            signal.signal(signal.SIGTERM, exits)
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        assert stop.number == signal.SIGTERM
