"""Reachable: whether a Ray cluster answers where one is said to be, found without ray, which is slow to import."""

from __future__ import annotations

import socket

from cluster.launcher import LaunchError

_PATIENCE = 5.0
"""Seconds that a cluster has to answer; Ray's own patience is minutes."""
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""How a client of gRPC begins: HTTP/2's preface and empty settings (RFC 9113, section 3.4)."""
_SETTINGS = 4


def check_address(address: str) -> None:
    """LaunchError unless something that speaks Ray's protocol answers at `address`."""
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdigit()) or "/" in host:
        raise LaunchError(
            f"--address {address!r}: write host:port, such as 10.0.0.1:6379, where `ray start --head` ran"
        )
    try:
        with socket.create_connection((host, int(port)), timeout=_PATIENCE) as probe:
            probe.sendall(_GREETING)
            frame = probe.recv(9)
        reason = "" if len(frame) == 9 and frame[3] == _SETTINGS else "something else answers there"
    except (OSError, OverflowError) as error:
        reason = str(error)
    if reason:
        raise LaunchError(f"no Ray cluster at {address}: {reason}; `ray start --head` starts one")
