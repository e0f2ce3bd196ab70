"""Seal: a checksum inside the file, so that readers notice damage before using its content.

Parquet has checksums for the values alone, which most readers skip, and none for names, types and places of columns;
JSON has none. The seal is the SHA-256 of the whole file with zeros in its place, as the last metadata of a Parquet file
and the last member of a JSON object, so that each is still read by any program. Files of earlier versions have none.

A small Parquet file also carries its rows as JSON: ten thousand of these are read in the time of a few hundred
Parquet files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

BROKEN = "its checksum doesn't match its content"
"""What is wrong with a file that isn't what was written."""
_MARK = b"sambench-seal:"
_DIGITS = 64
_BLANK = _MARK + b"0" * _DIGITS
_COUNT = 8
"""Digits of the length of the rows, which follows the digest."""
_KEY = "seal"


def metadata(rows: str) -> dict[str, str]:
    """What a Parquet file gets as its last metadata, before it is sealed; `rows` as lines of JSON, or nothing."""
    return {"rows": rows, _KEY: f"{_BLANK.decode()}:{len(rows):0{_COUNT}d}"}


def sealed_json(values: Mapping[str, Any]) -> bytes:
    """A JSON object with its seal."""
    return seal(json.dumps({**values, _KEY: _BLANK.decode()}, indent=1).encode())


def seal(data: bytes) -> bytes:
    """Fill in the digest of a file that has zeros in its place."""
    place = data.rindex(_BLANK) + len(_MARK)
    return data[:place] + hashlib.sha256(data).hexdigest().encode() + data[place + _DIGITS :]


def is_whole(data: bytes) -> bool | None:
    """Whether a file is what was written; None if it has no seal."""
    place = data.rfind(_MARK) + len(_MARK)
    if place < len(_MARK):
        return None
    digest = hashlib.sha256(data[:place])
    digest.update(b"0" * _DIGITS)
    digest.update(data[place + _DIGITS :])
    return digest.hexdigest().encode() == data[place : place + _DIGITS]


def rows_of(data: bytes) -> bytes:
    """The rows as lines of JSON that a whole Parquet file carries beside its columns; empty if it doesn't."""
    place = data.rfind(_MARK)
    count = place + len(_MARK) + _DIGITS + 1
    # Between the two stand the end of one entry of the metadata and key and length of the next.
    end = place - len(b"\0\x18\x04seal\x18\x57")
    length = data[count : count + _COUNT]
    return data[end - int(length) : end] if length.isdigit() and int(length) <= end else b""


def read_json(data: bytes) -> dict[str, Any]:
    """The object in a file; ValueError if it is damaged."""
    if is_whole(data) is False:
        raise ValueError(BROKEN)
    try:
        found = json.loads(data)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("is no JSON object")
    return found
