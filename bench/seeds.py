"""Independent random streams from one seed.

A stream is named by what it is for, never by the method under test, so that methods are compared pairwise on
the same initialisation, data order and label noise.
"""

from __future__ import annotations

import hashlib


def derive(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed for the stream `purpose` of the trial seed `seed`."""
    text = "/".join([str(seed), *map(str, purpose)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
