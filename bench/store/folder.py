"""Folder: one trial's files; the one place that knows their names."""

from __future__ import annotations

import io
import os
import pwd
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from bench.errors import UserError
from bench.store.files import plain, seal
from bench.trial import DIGITS, SCHEMA, Trial
from bench.trial.schemas import EARLIER, id_of

TRIAL, ATTEMPTS, HISTORY, MEASURES = "trial.json", "attempts", "history.parquet", "measures.parquet"
SUPERSEDED = "superseded"
"""Folder of the store for what earlier trainings of a trial left."""
COMPACT, CHANGED, DAMAGED = "compact", "changed", "damaged"
"""Folders of the store for compact files, for marks, and for what was set aside."""
STORED = ("trials", COMPACT, CHANGED, "plugins", SUPERSEDED)
"""Folders that a store is read from."""
TRIAL_ID = re.compile(rf"[0-9a-f]{{{DIGITS}}}")
LATER = "measures"
"""Folder of what was measured after the training, a file for each quantity."""
RECORD = re.compile(r"(\d+)\.parquet")
"""Name of the record of an attempt that is over."""


_KEPT = re.compile(rf"({TRIAL_ID.pattern})-\d{{4,}}(?:\.parquet)?")


def superseded_trial(name: str) -> str | None:
    """The trial whose earlier training left what is called so under `superseded/`; None if none did."""
    return found[1] if (found := _KEPT.fullmatch(name)) else None


def record_name(number: int) -> str:
    """Name of the record of attempt `number`."""
    return f"{number:04d}.parquet"


class StoreError(UserError):
    """A store that can't be used, with the reason and the way out."""


@dataclass(frozen=True)
class TrialFolder:
    """The files of one trial."""

    path: Path

    @property
    def trial_id(self) -> str:
        return self.path.name

    @property
    def root(self) -> Path:
        """The store's folder."""
        return self.path.parent.parent

    @property
    def trial(self) -> Path:
        return self.path / TRIAL

    @property
    def history(self) -> Path:
        return self.path / HISTORY

    @property
    def measures(self) -> Path:
        return self.path / MEASURES

    @property
    def later(self) -> Path:
        return self.path / LATER

    def later_measures(self) -> list[Path]:
        """What was measured after the training."""
        return sorted(self.later.glob("*.parquet"))

    def lease(self, number: int) -> Path:
        """The claim of the process that measures the trial."""
        return self.later / f"{number:04d}.claim"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.pt"

    @property
    def progress(self) -> Path:
        """How far its worker is."""
        return self.path / "progress.json"

    @property
    def weights(self) -> Path:
        return self.path / "weights.safetensors"

    @property
    def outputs(self) -> Path:
        """What the trained model says of each test image."""
        return self.path / "outputs.parquet"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def cancelled(self) -> Path:
        """Mark of a trial that must not be trained for now."""
        return self.path / "cancelled"

    def report(self, number: int) -> Path:
        """What the first of several processes says of attempt `number` at its end."""
        return self.attempts / f"{number:04d}.report"

    def failure(self, number: int) -> Path:
        """What the first of several processes to fail says of attempt `number`."""
        return self.attempts / f"{number:04d}.failure"

    def interrupted(self, number: int) -> Path:
        """Mark of attempt `number` whose end could not be recorded, since the machine failed: it was interrupted."""
        return self.attempts / f"{number:04d}.interrupted"

    def stop(self, number: int) -> Path:
        """Mark by which the processes of attempt `number` are asked to stop."""
        return self.attempts / f"{number:04d}.stop"

    def superseded(self, number: int) -> Path:
        """Where the results of the trainings up to attempt `number` are kept once they are superseded."""
        return self.root / SUPERSEDED / f"{self.trial_id}-{number:04d}"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's files."""
        return self.path / "tensorboard"

    @property
    def attempts(self) -> Path:
        return self.path / ATTEMPTS

    def obstacle(self, *, to_write: bool = False) -> str | None:
        """Why the folder can't be read, or with `to_write` written; None if it can, or doesn't exist yet."""
        needed = os.R_OK | os.X_OK | (os.W_OK if to_write else 0)
        for folder in (self.path, self.attempts, *([self.tensorboard] if to_write else [])):
            if folder.is_symlink():
                return f"{folder}: {plain.NOT_FOLLOWED}"
            try:
                folder.lstat()
            except FileNotFoundError:
                continue
            if not os.access(folder, needed):
                return f"{folder}: {_owner(folder)} doesn't let you {'write' if to_write else 'read'} there"
        return None

    def claim(self, number: int) -> Path:
        return self.attempts / f"{number:04d}.claim"

    def attempt(self, number: int) -> Path:
        return self.attempts / record_name(number)

    def read_trial(self) -> Trial:
        """The trial that was recorded; StoreError if its file doesn't hold it, or is of another schema."""
        try:
            return described_trial(self.trial_id, plain.read(self.trial))
        except OtherSchema as error:
            raise StoreError(f"trial {self.trial_id} {error}") from error
        except (OSError, ValueError) as error:
            raise StoreError(f"{self.trial}: damaged: {error}") from error

    def refuse_other_schema(self) -> None:
        """StoreError if the trial was recorded under another schema: nobody can train it any more."""
        with suppress(OSError, ValueError):
            stored = seal.read_json(plain.read(self.trial))
            if stored.get("schema", SCHEMA) != SCHEMA and _is_named(self.trial_id, stored):
                raise StoreError(f"trial {self.trial_id} {OtherSchema(stored['schema'])}")


class OtherSchema(ValueError):
    """A trial whose fields mean something else than they do now."""

    def __init__(self, schema: object) -> None:
        super().__init__(
            f"was recorded under schema {schema} and this sambench trains schema {SCHEMA}: run its sweep again, which "
            "gives it a new id"
        )


def described_trial(trial_id: str, data: bytes) -> Trial:
    """The trial that a description is of; ValueError if it isn't this one, OtherSchema if it can't be."""
    stored = seal.read_json(data)
    if stored.get("schema", SCHEMA) != SCHEMA and _is_named(trial_id, stored):
        raise OtherSchema(stored["schema"])
    try:
        trial = Trial.from_dict(stored["fields"])
        found = trial.trial_id
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"describes no trial: {error}") from error
    if found != trial_id:
        raise ValueError(f"holds trial {found}, not {trial_id}")
    return trial


def check_description(trial_id: str, data: bytes) -> None:
    """ValueError if a description isn't this trial's; one of an unknown schema need only say that it is."""
    stored = seal.read_json(data)
    schema = stored.get("schema")
    if schema == SCHEMA and not seal.is_whole(data):
        described_trial(trial_id, data)
    elif not _is_named(trial_id, stored):
        raise ValueError(f"holds trial {stored.get('trial_id')}, not {trial_id}")
    elif schema in EARLIER and not seal.is_whole(data):
        _check_earlier(trial_id, stored["fields"], schema)


def _is_named(trial_id: str, stored: Mapping[str, Any]) -> bool:
    return stored.get("trial_id") == trial_id and isinstance(stored.get("fields"), dict)


def _check_earlier(trial_id: str, fields: Mapping[str, Any], schema: int) -> None:
    try:
        found = id_of(fields, schema)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"describes no trial of schema {schema}: {error}") from error
    if found != trial_id:
        raise ValueError(f"holds trial {found}, not {trial_id}")


def log_of(folder: TrialFolder) -> TextIO:
    """The trial's log, to be read; FileNotFoundError if there is none, StoreError if it can't be read."""
    if obstacle := folder.obstacle():
        raise StoreError(obstacle)
    try:
        return io.TextIOWrapper(plain.open_file(folder.log), encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"{folder.log}: can't be read: {error.strerror}") from error


def _owner(path: Path) -> str:
    uid = path.lstat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
