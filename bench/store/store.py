"""Store: its folder and what is in it; `bench.store.folder` has the names of a trial's files."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.store import files, remote
from bench.store.bundle.address import fetched
from bench.store.bundle.checksums import is_bundle, verify
from bench.store.compacted import manifest
from bench.store.damage import leave_out
from bench.store.files import plain, seal, temporary
from bench.store.folder import DAMAGED, STORED, TRIAL_ID, StoreError, TrialFolder
from bench.trial import SCHEMA, Trial

HEADER = "store.json"
STORE_SCHEMA = 1
"""Version of the layout and of the columns; a store of a newer one is refused."""


class Store:
    """A folder of results. `open` for reading, `create` for writing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.left_out: dict[Path, str] = {}
        """Damaged files that answers left out, each with a message."""

    @classmethod
    def open(cls, root: Path | str) -> Store:
        """A store that exists; StoreError if there is none or it is of a newer schema."""
        address = remote.address_of(root)
        root = fetched(address) if address else Path(root).absolute()
        refuse_file(root)
        if is_bundle(root):
            verify(root)
        try:
            data = plain.read(root / HEADER)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StoreError(_none_at(root)) from error
        except OSError as error:
            raise StoreError(f"{root / HEADER}: can't be read: {error.strerror}") from error
        for name in STORED:
            if (root / name).is_symlink():
                raise StoreError(f"{root / name}: {plain.NOT_FOLLOWED}: link the whole store instead")
        store = cls(root)
        try:
            schema = read_header(data)
        except ValueError as error:
            # The header holds nothing but the schema, which every file of results has too.
            leave_out(store, {root / HEADER: str(error)})
            return store
        if schema > STORE_SCHEMA:
            message = f"store {root} has schema {schema}, this sambench knows up to {STORE_SCHEMA}"
            raise StoreError(f"{message}: upgrade sambench, or name another store")
        return store

    @classmethod
    def open_to_write(cls, root: Path | str) -> Store:
        """A store that exists and can be written; StoreError if not."""
        refuse_published(root)
        store = cls.open(root)
        try:
            _probe(store.root)
        except OSError as error:
            raise _not_writable(store.root, error) from error
        return store

    @staticmethod
    def exists(root: Path | str) -> bool:
        """Whether there is a store at `root`; an empty folder, such as a new volume, is none yet."""
        return remote.address_of(root) is not None or (Path(root) / HEADER).exists()

    @classmethod
    def create(cls, root: Path | str) -> Store:
        """The store at `root`, made if need be; StoreError if it can't be written."""
        refuse_published(root)
        root = Path(root).absolute()
        refuse_file(root)
        try:
            root.mkdir(parents=True, exist_ok=True)
            files.make_folder(root / "trials")
            if not (root / HEADER).exists():
                write_header(root)
            _probe(root)
        except OSError as error:
            raise _not_writable(root, error) from error
        return cls.open(root)

    @property
    def trials(self) -> Path:
        """The folder that has every trial's own."""
        return self.root / "trials"

    def folder(self, trial_id: str) -> TrialFolder:
        """The folder of a trial, whether it exists or not."""
        return TrialFolder(self.trials / trial_id)

    def trial_ids(self) -> list[str]:
        """All trials that were ever recorded here, sorted."""
        return sorted(filter(TRIAL_ID.fullmatch, plain.names(self.trials)))

    def folders(self) -> Iterator[TrialFolder]:
        """The folders of all trials that were ever recorded here."""
        return map(self.folder, self.trial_ids())

    def add(self, trials: Iterable[Trial]) -> None:
        """Write the trials' descriptions, so that a worker needs only their ids."""
        # Not by the path's own method, which fails where somebody else's folder can't be looked into.
        new = [trial for trial in trials if not os.path.exists(self.folder(trial.trial_id).trial)]
        done = manifest.done_trials(manifest.current(self.root), [trial.trial_id for trial in new])
        for trial in new:
            if trial.trial_id in done:
                continue
            folder = self.folder(trial.trial_id)
            if folder.obstacle():
                continue
            files.make_folder(folder.path)
            files.make_folder(folder.attempts)
            described = {"schema": SCHEMA, "trial_id": trial.trial_id, "fields": trial.as_dict()}
            try:
                files.write(folder.trial, seal.sealed_json(described))
            except FileNotFoundError:
                # Another process added the trial, and its worker swept our temporary file away as a dead one's.
                if not folder.trial.exists():
                    raise

    def set_aside(self, path: Path) -> Path:
        """Move a file or a trial's folder to `damaged/`, unchanged; where it is now."""
        target = self.root / DAMAGED / f"{path.name}-{int(time.time())}-{uuid.uuid4().hex[:6]}"
        files.make_folder(target.parent)
        os.rename(path, target)
        return target

    def now(self) -> float:
        """The file system's own time in s: heartbeats are stamped by it, whatever the hosts' clocks say.

        With read-only access there is no way to ask for it, so this machine's clock is used.
        """
        try:
            return _probe(self.root)
        except OSError:
            return time.time()


def refuse_file(root: Path) -> None:
    """StoreError if what should be a store is a file."""
    if root.is_file():
        raise StoreError(f"store {root.absolute()} is a file, and a store is a folder: name another by --store")


def refuse_published(root: Path | str) -> None:
    """StoreError for what is read-only: an address, or a bundle."""
    if address := remote.address_of(root):
        raise StoreError(f"{address}: a store is written in a folder of this machine; what was published is only read")
    if is_bundle(Path(root)):
        raise StoreError(f"{root}: is a bundle, which is only read; name another store")


def write_header(root: Path) -> None:
    """Write the header, which makes a folder a store."""
    files.write(root / HEADER, seal.sealed_json({"schema": STORE_SCHEMA}))


def read_header(data: bytes) -> int:
    """The schema that a store's header says; ValueError if that is damaged."""
    schema = seal.read_json(data).get("schema")
    if not isinstance(schema, int):
        raise ValueError("says no schema")
    return schema


def _none_at(root: Path) -> str:
    if (root / "trials").is_dir():
        return (
            f"{root / HEADER}: is missing, so trials/ beside it isn't taken for a store's: `sambench run` makes it anew"
        )
    return f"no store at {root}: `sambench run` makes one, --store names another"


def _not_writable(root: Path, error: OSError) -> StoreError:
    """Names users by number: a container may have other names for them, or none."""
    why = error.strerror
    if isinstance(error, PermissionError):
        path = Path(error.filename or root).absolute()
        folder = next(parent for parent in path.parents if os.access(parent, os.X_OK) and parent.exists())
        owner, we = folder.stat().st_uid, os.geteuid()
        why = why if owner == we else f"{folder} belongs to user {owner}, and you are user {we}"
    return StoreError(f"store {root} is not writable: {why}")


def _probe(root: Path) -> float:
    path = root / temporary.new_name("probe")
    path.touch(exist_ok=False)
    try:
        return path.stat().st_mtime
    finally:
        path.unlink()
