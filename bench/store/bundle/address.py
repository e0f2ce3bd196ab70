"""Address: a remote bundle, such as at s3://BUCKET/FOLDER, downloaded to be read.

Only what its SHA256SUMS lists is fetched, to a folder of the user's cache that is named by the digest of SHA256SUMS, so
that the same content is fetched once. It gets that name once all of it is there and as it was published.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from bench.cache import cache_folder
from bench.store import remote
from bench.store.bundle.checksums import SUMS, fault_of_bundle, parsed
from bench.store.files.staging import staged
from bench.store.folder import StoreError

_AT_ONCE = 8
_CHUNK = 1 << 20
_LONGEST = 1 << 26
"""Bytes of a SHA256SUMS: more than a million files have none of ours."""


def fetched(address: str) -> Path:
    """The folder with the bundle that lies at an address; UserError if it can't be had."""
    filesystem, place = remote.filesystem(address)
    what = f"{address}: can't be read as a bundle"
    with remote.told(what), filesystem.open_input_stream(f"{place}/{SUMS}") as stream:
        sums = stream.read(_LONGEST)
    try:
        listed = parsed(sums)
    except ValueError as error:
        raise StoreError(f"{what}: {SUMS}: {error}") from error
    folder = cache_folder() / "bundles" / hashlib.sha256(sums).hexdigest()[:32]
    if folder.exists() and fault_of_bundle(folder) is None:
        return folder
    with remote.told(what), staged(folder) as new:
        _fetch(filesystem, place, listed, new)
        (new / SUMS).write_bytes(sums)
        if fault := fault_of_bundle(new):
            raise StoreError(f"{what}: {fault}; unless it is being published just now, it is damaged")
    return folder


def _fetch(filesystem: Any, place: str, listed: Mapping[str, str], new: Path) -> None:
    for name in sorted({os.path.dirname(name) for name in listed}):
        (new / name).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # The first that fails ends it; the others that wait are given up.
        try:
            list(pool.map(partial(_fetch_file, filesystem, place, new), listed))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _fetch_file(filesystem: Any, place: str, new: Path, name: str) -> None:
    with filesystem.open_input_stream(f"{place}/{name}") as stream, (new / name).open("xb") as file:
        while chunk := stream.read(_CHUNK):
            file.write(chunk)
