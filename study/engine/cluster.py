"""Ray, started here or joined on a cluster, for the length of a launch."""

import logging
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray

from sd4match.backbones import choose_device
from sd4match.errors import SD4MatchError
from study.space import Space

log = logging.getLogger(__name__)

LOCAL = "local"
CONNECT = 10  # seconds to wait for a cluster that does not answer; Ray would wait minutes
OBJECT_STORE = 256 * 2**20  # bytes; results travel through files, Ray would take 30 % of memory
SETTINGS = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # our store is the record
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C ends a launch, not only Tune's part of it
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # they are told in a line, and by whole in a log
    "RAY_AIR_NEW_OUTPUT": "0",  # whose progress tables ignore verbose=0
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # silences a warning about a coming default
}


def resources(space: Space) -> dict[str, float]:
    """What one trial takes, as Ray names it."""
    wanted = space.file.resources
    gpus = wanted.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if choose_device(space.file.device).type == "cuda" else 0.0
    return {"CPU": float(wanted.cpus_per_trial), "GPU": gpus}


@contextmanager
def joined(space: Space) -> Iterator[None]:
    """Start or join Ray as ``cluster.address`` says, and leave it as it was.

    Raises:
        SD4MatchError: no cluster answers there, or this machine has too little for a trial.
    """
    if ray.is_initialized():
        yield
        return
    os.environ.update(SETTINGS)
    address, debug = space.file.cluster.address, log.isEnabledFor(logging.DEBUG)
    # What fails is told by us in one line; Ray would add its own pages.
    level = logging.INFO if debug else logging.CRITICAL
    options: dict[str, Any] = {"log_to_driver": debug, "logging_level": level}
    if address == LOCAL:
        options.update(include_dashboard=False, object_store_memory=OBJECT_STORE)
    try:
        _check_reachable(address)
        context: Any = ray.init(address=address, **options)
    except (OSError, ValueError, RuntimeError) as error:
        said = str(error).strip().splitlines()[0]
        raise SD4MatchError(f"cluster.address={address}: cannot reach Ray: {said}") from None
    try:
        if address == LOCAL:
            _check_resources(space)
        yield
    finally:
        ray.shutdown()
        if address == LOCAL and not debug:
            # Its logs, and the sockets of what has ended.
            shutil.rmtree(context.address_info["session_dir"], ignore_errors=True)


def _check_reachable(address: str) -> None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), CONNECT).close()


def _check_resources(space: Space) -> None:
    """Ray waits for ever for what a machine will never have."""
    there = ray.cluster_resources()  # type: ignore[no-untyped-call]
    for name, wanted in resources(space).items():
        if wanted > there.get(name, 0):
            raise SD4MatchError(
                f"resources.{name.lower()}s_per_trial={wanted:g}: this machine has "
                f"{there.get(name, 0):g}"
            )
