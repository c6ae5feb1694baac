"""Ray's token: a cluster that asks for one gets it, one that does not is joined without.

Ray leaves that to who joins. With a token, but for a cluster that has none, it seems to join, and
then every worker is lost as soon as it starts; and a file with a token is soon there, for whatever
starts a Ray on a machine makes one.
"""

import os
import subprocess
import sys

from ray._raylet import Config  # type: ignore[attr-defined]

from sd4match.errors import SD4MatchError

MODE = "RAY_AUTH_MODE"
LIMIT = 60  # seconds until a cluster has said whether it lets one in
KNOCK = """
import sys
from ray._private.authentication.authentication_token_setup import ensure_token_if_auth_enabled
from ray._private.services import canonicalize_bootstrap_address_or_die
from ray._raylet import GcsClient
ensure_token_if_auth_enabled(create_token_if_missing=False)
GcsClient(address=canonicalize_bootstrap_address_or_die(sys.argv[1]))
"""


def obtain(address: str) -> None:
    """Let this process use tokens if, and only if, the cluster does.

    Raises:
        SD4MatchError: the cluster refuses the token, or should use tokens and does not.
    """
    asked = os.environ.get(MODE)
    if _let_in(address, "disabled"):
        if asked == "token":
            raise SD4MatchError(
                f"cluster.address={address}: {MODE}=token, but the cluster asks for none: start "
                f"its nodes with {MODE}=token, or unset it here"
            )
        mode = "disabled"
    elif _let_in(address, "token"):
        mode = "token"
    else:
        raise SD4MatchError(
            f"cluster.address={address}: the cluster asks for a token, and the one here is "
            "another, or missing: RAY_AUTH_TOKEN_PATH names its file (else ~/.ray/auth_token)"
        )
    os.environ[MODE] = mode
    Config.initialize("")


def _let_in(address: str, mode: str) -> bool:
    """Whether a cluster admits who comes like this.

    Asked in a process of its own: Ray remembers the mode, and prints pages when it is refused.
    """
    try:
        knock = subprocess.run(
            [sys.executable, "-c", KNOCK, address],
            env=os.environ | {MODE: mode},
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"no answer within {LIMIT} s") from None
    if knock.returncode and "AuthenticationError" not in knock.stderr:
        raise OSError(knock.stderr.strip().splitlines()[-1])
    return knock.returncode == 0
