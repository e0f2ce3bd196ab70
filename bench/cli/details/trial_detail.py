"""Trial detail: what one trial is, how its attempts went, its results and its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from bench.cli.details.detail import Detail, pairs
from bench.cli.loading import load_sweep, open_existing
from bench.cli.render import overview
from bench.cli.render.usage import as_yaml
from bench.cli.trials import is_trial_id, one_trial, trials_starting
from bench.measures.names import column
from bench.store import State, Store, TrialFolder, connect, states
from bench.store.arrow import rows_of
from bench.sweep import SpecError
from bench.sweep.file.lookup import all_sweeps
from bench.trial import DEFAULTS, FIELDS, SCHEMA, Trial

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class KnownTrial:
    """What is known of one trial."""

    trial_id: str
    trial: Trial | None
    """None: its description is damaged."""
    schema: int = SCHEMA
    state: State = field(default_factory=lambda: State(status="missing"))
    attempts: Sequence[Row] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    sweeps: Sequence[str] = ()

    @property
    def files(self) -> dict[str, str]:
        """What there is of it, by what it is."""
        if self.state.store is None:
            return {}
        folder = self.state.store.folder(self.trial_id)
        return {name: str(path) for name, path in _places(folder).items() if path.exists()}


def trial_details(text: str, stores: Sequence[Path]) -> Iterator[Detail]:
    """The trial whose id begins so, of the stores or of a sweep; UserError if the stores have several."""
    if not is_trial_id(text):
        return
    opened = open_existing(stores)
    if trials_starting(opened, text):
        found = _recorded(opened, one_trial(opened, text))
        yield _detail(found, list(_sweeps(found.trial_id, stores)))
        return
    sweeps = _sweeps(text, stores)
    planned = {trial_id: trial for trials in sweeps.values() for trial_id, trial in trials.items()}
    if len(planned) == 1:
        ((trial_id, trial),) = planned.items()
        yield _detail(KnownTrial(trial_id=trial_id, trial=trial), list(sweeps))


def _sweeps(prefix: str, stores: Sequence[Path]) -> dict[str, dict[str, Trial]]:
    """Of each sweep here or installed that has some, the trials whose ids begin so."""
    found = {}
    for file in all_sweeps():
        # What is wrong with a sweep is for whoever asks for that one.
        with suppress(SpecError):
            trials = {each.trial_id: each for each in load_sweep(file, None, stores).trials}
            found[file.stem] = {trial_id: each for trial_id, each in trials.items() if trial_id.startswith(prefix)}
    return {name: trials for name, trials in found.items() if trials}


def _recorded(stores: Sequence[Store], trial_id: str) -> KnownTrial:
    with connect(stores, ["trials", "attempts", "measures"], only=[trial_id]) as connection:
        trials, attempts, measures = (
            rows_of(connection.sql(f"SELECT * FROM {table}{order}").to_arrow_table())
            for table, order in (("trials", ""), ("attempts", " ORDER BY attempt"), ("measures", " ORDER BY ALL"))
        )
    row = trials[0] if trials else {}
    settings = {
        name: value for name, value in row.items() if name not in (*FIELDS, *_NO_SETTINGS) and value is not None
    }
    fields = {name: row.get(name) for name in FIELDS}
    return KnownTrial(
        trial_id=trial_id,
        trial=Trial.from_dict(fields | {"settings": settings}) if row else None,
        schema=row.get("trial_schema", SCHEMA),
        state=states(stores, [trial_id])[trial_id],
        attempts=attempts,
        measures={column(each["measure"], each["settings"]): each["value"] for each in measures},
    )


_NO_SETTINGS = ("trial_id", "trial_schema", "store")


def _places(folder: TrialFolder) -> dict[str, Path]:
    return {
        "folder": folder.path,
        "log": folder.log,
        "weights": folder.weights,
        "outputs": folder.outputs,
        "checkpoint": folder.checkpoint,
        "tensorboard": folder.tensorboard,
    }


def _detail(found: KnownTrial, sweeps: Sequence[str]) -> Detail:
    record = {
        "kind": "trial",
        "name": found.trial_id,
        "label": found.trial.label if found.trial else "",
        "status": found.state.status,
        "schema": found.schema,
        "fields": found.trial.as_written() if found.trial else {},
        "attempts": [dict(each) for each in found.attempts],
        "measures": dict(found.measures),
        "files": found.files,
        "sweeps": list(sweeps),
    }
    return Detail(record, list(_parts(found, record)))


def _parts(found: KnownTrial, record: dict[str, Any]) -> Iterator[RenderableType]:
    yield Text(record["label"] or "what it is can't be read: `sambench store check` names what is damaged")
    yield pairs(_told(found, record))
    if found.measures:
        yield Text("measures", style="bold")
        yield pairs((name, f"{value:.6g}") for name, value in found.measures.items())


def _told(found: KnownTrial, record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "state", _state(found)
    if found.schema != SCHEMA:
        yield "schema", f"{found.schema}: from before the meaning of fields changed"
    fields = record["fields"]
    method = ("variant", "scope", "rho", "perturb_from", "perturb_until")
    for title, names in (("method", method), ("fields", [name for name in fields if name not in method])):
        told = [f"{name} {as_yaml(fields[name])}" for name in names if _is_told(name, fields)]
        yield title, ", ".join(told)
    yield "settings", ", ".join(f"{name} {as_yaml(value)}" for name, value in fields.get("settings", {}).items())
    for each in found.attempts:
        yield f"attempt {each['attempt']}", _attempt(each)
    if record["files"]:
        folder, *others = record["files"].values()
        yield "files", f"{folder}: {', '.join(Path(path).name for path in others)}"
    yield "in the sweeps", ", ".join(record["sweeps"]) or "none of `sambench sweeps`"


def _is_told(name: str, fields: Mapping[str, Any]) -> bool:
    """Whether a field says something that its default doesn't."""
    return name != "settings" and name in fields and fields[name] not in (None, DEFAULTS.get(name))


def _state(found: KnownTrial) -> str:
    state = found.state
    if state.status != "running" or found.trial is None:
        return state.status
    number, epoch, quality, left, where = overview.running(state, found.trial)
    at = [f"epoch {epoch}", quality, f"{left} left"] if "/" in epoch else [epoch]
    return ", ".join([f"running: attempt {number}", *at, f"on {where}"])


def _attempt(attempt: Row) -> str:
    started = f", begun {attempt['started']:%Y-%m-%d %H:%M}" if attempt["started"] else ""
    took = "" if attempt["wall_s"] is None else f", {timedelta(seconds=round(attempt['wall_s']))} h"
    return "\n".join([f"{attempt['outcome']}{started}{took}", *_made_with(attempt)])


def _made_with(attempt: Row) -> Iterator[str]:
    device = f", {attempt['device']}" if attempt["device"] else ""
    yield f"{attempt['host']} ({attempt['launcher']}, process {attempt['pid']}){device}"
    commit = str(attempt["git_commit"] or "")[:_COMMIT]
    changed = " with changes" if attempt["git_dirty"] else ""
    versions = [f"{name} {attempt[name]}" for name in ("sambench", "torch") if attempt[name]]
    code = [f"code {attempt['code']}"] if attempt["code"] else []
    if told := ", ".join([*code, *([f"commit {commit}{changed}"] if commit else []), *versions]):
        yield told
    if attempt["message"]:
        yield str(attempt["message"])
    if attempt.get("superseded"):
        yield "superseded: the trial was trained again since"


_COMMIT = 12
"""Characters of a commit's name that tell it from others."""
