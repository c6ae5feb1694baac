"""Start Ray locally or join a cluster for one launch; list the resources of its nodes."""

import logging
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray._private import ray_constants
from ray._raylet import Config  # type: ignore[attr-defined]

from sd4match.backbones.devices import choose_device
from sd4match.errors import SD4MatchError
from study.engine.stopping import keeping_handlers
from study.space.space import Space

log = logging.getLogger(__name__)

LOCAL = "local"
CONNECT = 10  # seconds to wait for a cluster that does not answer; Ray would wait minutes
OBJECT_STORE = 256 * 2**20  # bytes; results travel through files, Ray would take 30 % of memory
MODE = "RAY_AUTH_MODE"
ADMISSION = 60  # seconds until a cluster has said whether it admits a process
KNOCK = """
import sys
from ray._private.authentication.authentication_token_setup import ensure_token_if_auth_enabled
from ray._private.services import canonicalize_bootstrap_address_or_die
from ray._raylet import GcsClient
ensure_token_if_auth_enabled(create_token_if_missing=False)
GcsClient(address=canonicalize_bootstrap_address_or_die(sys.argv[1]))
"""
SETTINGS = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # our store is the record
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C ends a launch, not only Tune's part of it
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",  # Tune's state, from which we never resume
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # we print a line, and write the whole to a log
    "RAY_AIR_NEW_OUTPUT": "0",  # its progress tables ignore verbose=0
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # silences a warning about a coming default
}


def resources(space: Space, memory: float = 0.0) -> dict[str, float]:
    """What one trial takes, as Ray names it.

    Args:
        space: says how many CPUs and GPUs.
        memory: bytes of a node; no node runs more trials than its own has room for.
    """
    wanted = space.file.resources
    gpus = wanted.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if choose_device(space.file.device).type == "cuda" else 0.0
    return {"CPU": float(wanted.cpus_per_trial), "GPU": gpus, "memory": memory}


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
    # We report what fails in one line; Ray would add its own pages.
    level = logging.INFO if debug else logging.CRITICAL
    options: dict[str, Any] = {"log_to_driver": debug, "logging_level": level}
    if address == LOCAL:
        options.update(include_dashboard=False, object_store_memory=OBJECT_STORE)
    try:
        _check_reachable(address)
        if address == LOCAL:
            _require_token()
        else:
            obtain(address)
        with keeping_handlers(), _loopback(address == LOCAL):
            context: Any = ray.init(address=address, **options)
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if "home directory" in reason:
            reason += ": set HOME"
        elif address == LOCAL:  # Ray's sockets have short paths, and its logs need room
            reason += ": RAY_TMPDIR names another folder: a short path, with room, writable"
        raise SD4MatchError(f"cluster.address={address}: cannot reach Ray: {reason}") from None
    try:
        if address == LOCAL:
            _check_resources(space)
        yield
    finally:
        ray.shutdown()
        if address == LOCAL and not debug:
            # Its logs, and the sockets of what has ended.
            shutil.rmtree(context.address_info["session_dir"], ignore_errors=True)


@contextmanager
def _loopback(wanted: bool) -> Iterator[None]:
    """Let a Ray that is started in the block listen on this machine's loopback address only.

    Ray has this setting for macOS and Windows alone, and replaces a given 127.0.0.1 by the address
    that other machines reach (Ray 2.60); what runs here is nobody else's to reach.
    """
    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = before and not wanted
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


def _require_token() -> None:
    """Give Ray a token for this launch alone if it cannot keep one in the home folder."""
    if any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
        return
    try:
        folder = Path.home() / ".ray"
        if (folder / "auth_token").is_file():
            return
        folder.mkdir(parents=True, exist_ok=True)
        usable = os.access(folder, os.W_OK)
    except OSError:
        usable = False
    if not usable:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _check_reachable(address: str) -> None:
    host, _, port = address.rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), CONNECT).close()


def available(memory: float) -> float:
    """The memory that a worker asks of its node: what it needs, but no more than any node has.

    Ray waits for ever for what no node has, and an estimate is no reason to refuse.

    Args:
        memory: bytes that a worker needs, about; 0 where memory of the node is not what is short.
    """
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    largest = max(node["Resources"].get("memory", 0.0) for node in nodes if node["Alive"])
    return float(min(memory, largest))


def workers(wanted: Mapping[str, float]) -> int:
    """How many trials the present nodes run at a time.

    Args:
        wanted: of a trial, as `resources` gives it.
    """
    present = ray.cluster_resources()  # type: ignore[no-untyped-call]
    fitting = [int(present.get(name, 0) / amount) for name, amount in wanted.items() if amount]
    return max(1, min(fitting))


def lacking(wanted: Mapping[str, float]) -> bool:
    """Whether no node could run a trial at present, even if it were idle."""
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return not any(
        node["Alive"] and all(node["Resources"].get(n, 0) >= w for n, w in wanted.items())
        for node in nodes
    )


def _check_resources(space: Space) -> None:
    """Refuse what this machine does not have, for which Ray would wait for ever."""
    present = ray.cluster_resources()  # type: ignore[no-untyped-call]
    for name, wanted in resources(space).items():
        if wanted > present.get(name, 0):
            raise SD4MatchError(
                f"resources.{name.lower()}s_per_trial={wanted:g}: this machine has "
                f"{present.get(name, 0):g}"
            )


def obtain(address: str) -> None:
    """Let this process use tokens if, and only if, the cluster does.

    Raises:
        SD4MatchError: the cluster refuses the token, or should use tokens and does not.
    """
    wanted = os.environ.get(MODE)
    if _let_in(address, "disabled"):
        if wanted == "token":
            raise SD4MatchError(
                f"cluster.address={address}: {MODE}=token, but the cluster asks for none: start "
                f"its nodes with {MODE}=token, or unset it here"
            )
        mode = "disabled"
    elif _let_in(address, "token"):
        mode = "token"
    else:
        raise SD4MatchError(
            f"cluster.address={address}: the cluster asks for a token, and the one here "
            "is missing or different: RAY_AUTH_TOKEN_PATH names its file (else ~/.ray/auth_token)"
        )
    os.environ[MODE] = mode
    Config.initialize("")


def _let_in(address: str, mode: str) -> bool:
    """Whether a cluster admits a process with this mode.

    Asked in a process of its own: Ray remembers the mode, and prints pages when it is refused.
    """
    try:
        knock = subprocess.run(
            [sys.executable, "-c", KNOCK, address],
            env=os.environ | {MODE: mode},
            capture_output=True,
            text=True,
            timeout=ADMISSION,
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"no answer within {ADMISSION} s") from None
    if knock.returncode and "AuthenticationError" not in knock.stderr:
        raise OSError(knock.stderr.strip().splitlines()[-1])
    return knock.returncode == 0
