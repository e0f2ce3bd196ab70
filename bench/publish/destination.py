"""Destination: a folder or address such as s3://BUCKET/FOLDER, which gets a whole bundle or stays unchanged.

Nothing is replaced but a bundle of ours as it was published. A folder gets its name by one rename; a repository of the
Hub gets one commit; an object store its SHA256SUMS last, so that until then the old bundle is found to be damaged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from bench.cache import cache_folder
from bench.errors import UserError
from bench.store import remote
from bench.store.bundle.checksums import SUMS, fault_of_bundle, is_bundle, listed_in, parsed
from bench.store.files import plain
from bench.store.files.staging import staged, temporary_folder

Done = TypeVar("Done")

_HUB = re.compile(r"hf://(?:(datasets|spaces)/)?([^/]+/[^/@]+)(?:@([^/]+))?/?(.*)")
_OF_HUB = ".gitattributes"
"""Which the Hub itself puts into every repository."""
_ANOTHER = "name a new folder, or that of a bundle"


def put(to: str, fill: Callable[[Path], Done]) -> Done:
    """Let `fill` write the bundle into an empty folder, and put it where it belongs; UserError if it can't be there."""
    if remote.address_of(to):
        return _send(to, fill)
    try:
        path = Path(to).resolve()
        if fault := _in_the_way(path):
            raise UserError(f"--to {to}: {fault}")
        with staged(path) as new:
            done = fill(new)
            # Once more: to fill it takes long, and what somebody put there meanwhile would go.
            if fault := _in_the_way(path):
                raise UserError(f"--to {to}: {fault}")
            return done
    except OSError as error:
        raise UserError(f"--to {to}: can't be published there: {plain.reason(error)}") from error


def _in_the_way(path: Path) -> str | None:
    """Why a folder isn't replaced."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return None
    if not path.is_dir():
        return f"is a file; {_ANOTHER}"
    if not is_bundle(path):
        return f"has files and is no bundle; {_ANOTHER}"
    if fault := fault_of_bundle(path):
        return f"is a bundle that isn't as it was published ({fault}); remove it, or name another folder"
    if more := sorted(listed_in(path) - {SUMS} - parsed((path / SUMS).read_bytes()).keys()):
        return f"has {more[0]}, which isn't of the bundle there; move it away, or name another folder"
    return None


def _send(to: str, fill: Callable[[Path], Done]) -> Done:
    filesystem, place = remote.filesystem(to)
    with remote.told(f"{to}: can't be published there"):
        old = _known(to, filesystem, place)
        with temporary_folder(cache_folder() / "published") as new:
            done = fill(new)
            _commit(to, new, old) if to.startswith(f"{remote.HUB}://") else _upload(filesystem, place, new, old)
    return done


def _known(to: str, filesystem: Any, place: str) -> set[str]:
    """The files of the bundle that is there; UserError if there is anything else."""
    from pyarrow import fs

    there = filesystem.get_file_info(fs.FileSelector(place, recursive=True, allow_not_found=True))
    names = {each.path.removeprefix(f"{place}/") for each in there if each.type == fs.FileType.File} - {_OF_HUB}
    if not names:
        return set()
    if SUMS not in names:
        raise UserError(f"--to {to}: has files and is no bundle; {_ANOTHER}")
    with filesystem.open_input_stream(f"{place}/{SUMS}") as stream:
        known = {*parsed(stream.read()), SUMS}
    if more := sorted(names - known):
        raise UserError(
            f"--to {to}: has {more[0]}, which isn't of the bundle there; move it away, or name another folder"
        )
    return names


def _upload(filesystem: Any, place: str, new: Path, old: set[str]) -> None:
    names = sorted(listed_in(new) - {SUMS})
    for name in (*names, SUMS):
        if not remote.is_object_store(filesystem):
            filesystem.create_dir(f"{place}/{name}".rpartition("/")[0])
        with filesystem.open_output_stream(f"{place}/{name}") as sink:
            sink.write((new / name).read_bytes())
    for name in sorted(old - {*names, SUMS}):
        filesystem.delete_file(f"{place}/{name}")


def _commit(to: str, new: Path, old: set[str]) -> None:
    """Bring the bundle to the Hub by one commit."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    found = _HUB.fullmatch(to)
    assert found is not None, "looked at when its file system was opened"
    folder = f"{found[4].rstrip('/')}/".lstrip("/")
    names = sorted(listed_in(new))
    HfApi().create_commit(
        repo_type={"datasets": "dataset", "spaces": "space", None: "model"}[found[1]],
        repo_id=found[2],
        revision=found[3],
        operations=[
            *(CommitOperationAdd(f"{folder}{name}", new / name) for name in names),
            *(CommitOperationDelete(f"{folder}{name}") for name in sorted(old - {*names})),
        ],
        commit_message="Publish results of sambench",
    )
