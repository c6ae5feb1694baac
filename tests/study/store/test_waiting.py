"""No call of storage waits for ever, and an error of storage means what it means in a folder."""

import errno
import threading
import time

import pytest

from sd4match.errors import SD4MatchError
from study.engine.faults import fault
from study.store import waiting
from study.store.mirror import Mirror, local
from study.store.waiting import Bounded, each, refusal, time_outs, trust, within


def hang(*_, **__):
    time.sleep(30)


def test_a_call_is_given_up_when_it_is_late():
    assert within(5, lambda: 3) == 3
    with pytest.raises(KeyError):
        within(5, lambda: {}["missing"])
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer within 0 s"):
        within(0.05, hang)
    assert time.monotonic() - started < 5


def test_methods_of_a_file_system_are_bounded_and_its_values_are_not(monkeypatch):
    class System:
        async_impl = True
        ls = hang

    monkeypatch.setattr(waiting, "ANSWER", 0.05)
    system = Bounded(System())
    assert system.async_impl is True
    with pytest.raises(TimeoutError):
        system.ls("bucket")


def test_each_item_is_taken_once_and_the_first_error_ends_it():
    taken = []
    each(taken.append, range(100), at_once=4)
    assert sorted(taken) == list(range(100))
    each(taken.append, [], at_once=4)

    def fails(item):
        taken.append(item)
        raise OSError(errno.EIO, "away")

    with pytest.raises(OSError, match="away"):
        each(fails, range(200, 1200), at_once=2)
    assert len(taken) < 150


def test_ctrl_c_ends_a_transfer_that_hangs(monkeypatch):
    def interrupted(self, timeout=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        each(hang, range(3), at_once=3)


class ClientError(Exception):
    """As botocore's."""

    def __init__(self, code, status=400):
        super().__init__(code)
        self.response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}


def caused(error, by):
    error.__cause__ = by
    return error


@pytest.mark.parametrize(
    ("error", "number", "kind"),
    [
        (OSError(errno.EIO, "x"), errno.EIO, "cannot be reached"),
        (TimeoutError(errno.ETIMEDOUT, "x"), errno.EIO, "cannot be reached"),
        (FileNotFoundError("no bucket"), None, ""),
        (NotImplementedError(), None, ""),
        (caused(OSError(errno.EIO, "x"), ClientError("QuotaExceeded")), errno.ENOSPC, "is full"),
        (caused(OSError(errno.EIO, "x"), ClientError("Unknown", 507)), errno.ENOSPC, "is full"),
        (
            caused(OSError(errno.EIO, "x"), ClientError("SlowDown", 503)),
            errno.EIO,
            "cannot be reached",
        ),
        (OSError(errno.EDQUOT, "x"), errno.ENOSPC, "is full"),
    ],
)
def test_what_an_error_means(error, number, kind):
    assert refusal(error, "s3://never/seen") == (number, kind)


def test_a_refused_access_is_waited_for_once_the_place_has_let_us_in(monkeypatch):
    monkeypatch.setattr(waiting, "_trusted", set())
    refused = caused(PermissionError("Forbidden"), ClientError("ExpiredToken", 403))
    assert refusal(refused, "s3://mine/results") == (None, "")
    trust("s3://mine/results/store")
    assert refusal(refused, "s3://mine/results") == (errno.EIO, "refuses access for now")
    assert refusal(refused, "s3://other/results") == (None, "")


def test_the_faults_of_a_url_are_those_of_a_folder(results, machine, monkeypatch):
    machine("one")
    mirror = Mirror(local(results))
    mirror.folders()  # lets us in

    def failing(error):
        def ls(*_, **__):
            raise error

        monkeypatch.setattr(mirror._fs, "_system", type("System", (), {
            "ls": staticmethod(ls), "invalidate_cache": staticmethod(lambda: None)}))  # fmt: skip
        with pytest.raises(SD4MatchError) as raised:
            mirror.folders()
        return fault(raised.value), str(raised.value)

    kind, line = failing(PermissionError("Forbidden"))
    assert (kind, "refuses access for now: Forbidden" in line) == ("away", True)
    assert failing(caused(OSError(errno.EIO, "x"), ClientError("x", 507)))[0] == "full"
    assert failing(TimeoutError(errno.ETIMEDOUT, "no answer within 60 s"))[0] == "away"


def test_settings_of_the_user_come_before_ours(monkeypatch):
    from fsspec.config import conf

    monkeypatch.setitem(conf, "s3", {"config_kwargs": {"read_timeout": 7, "region_name": "x"}})
    found = time_outs("s3")["config_kwargs"]
    assert (found["read_timeout"], found["connect_timeout"], found["region_name"]) == (7, 10, "x")
    assert time_outs("gs") == {}
