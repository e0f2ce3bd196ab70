"""Ray's environment, which it reads on import: quiet, and closed to other users.

An instance of our own listens on the loopback interface alone and asks for a token that only its processes have:
whoever may talk to Ray runs any code. A cluster that is there already has settings of its own.
"""

from __future__ import annotations

import os
import secrets
import sys
from functools import cache

# No result files per trial, an interrupt raised at once instead of after the running trials, no change of the working
# directory, no tables, results without the metric that trials are compared by.
_QUIET = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
}
# By its name for other systems: on Linux too, a Ray that may not form a cluster binds to the loopback interface.
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
_OF_OTHERS = ("RAY_ADDRESS", "RAY_JOB_CONFIG_JSON_ENV_VAR", "RAY_AUTH_TOKEN_PATH", "RAY_RUNTIME_ENV_HOOK")
"""Would lead an instance of our own to another one, or to its settings."""


def prepare(address: str | None) -> None:
    """Set what ray reads, for an instance of our own or for the one at `address`; before ray is imported."""
    os.environ.update(_QUIET)
    if address is None:
        if "RAY_ADDRESS" in os.environ:
            there = os.environ["RAY_ADDRESS"]
            print(f"RAY_ADDRESS is ignored; to use that cluster: --address {there}", file=sys.stderr)
        for name in _OF_OTHERS:
            os.environ.pop(name, None)
        os.environ.update(_LOOPBACK, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=_token())


@cache
def _token() -> str:
    # One for the process: Ray reads it once, even if it is started again.
    return secrets.token_hex(32)
