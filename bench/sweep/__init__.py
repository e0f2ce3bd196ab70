"""Sweeps: load a sweep file, validate it and expand it to trials.

Start with `load`. It reports everything that is wrong with the file at once, each fault with its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import tasks
from bench.errors import unknown
from bench.measures.names import MeasureError, parse
from bench.papers.sam_on.recipes import RECIPES
from bench.plugins import beside
from bench.resources import EarlyStopping, Resources, Retries
from bench.sweep.checks.planned import check_planned
from bench.sweep.choose import Choice, Chooser, Verdict, Waiting
from bench.sweep.document import Document, read_document
from bench.sweep.expansion.expand import expand
from bench.sweep.expansion.resolve import Guess, lost_marks
from bench.sweep.fields import names_of
from bench.sweep.file.fault import Fault, SpecError
from bench.sweep.file.source import Source
from bench.sweep.plugin_use import folder_of, look_up, named
from bench.sweep.search import Recorded, Searches
from bench.trial import Trial

__all__ = ["MAX_TRIALS", "Choice", "Chooser", "Fault", "Guess", "SpecError", "Sweep", "Verdict", "Waiting", "load"]


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What is compared: a set of trials, what is measured of them and what they need."""

    name: str
    """The file's name without its suffix."""
    file: Path
    title: str
    trials: tuple[Trial, ...]
    measures: tuple[str, ...]
    """Measures that the board shows, the first by default."""
    resources: Resources
    retries: Retries
    early_stopping: EarlyStopping | None
    """When trials are stopped before their end; None: never."""
    paper: str | None
    """Table or figure of the paper that the sweep reproduces."""
    recipe: str | None = None
    """Whose values it starts from."""
    notes: tuple[str, ...]
    """Guesses and choices that went into the expansion."""
    rows: tuple[str, ...] = ()
    """Fields or settings whose values are the lines of the board; none: as the paper or the board itself has them."""
    columns: tuple[str, ...] = ()
    """The same of its columns."""
    guessed: tuple[tuple[str, str], ...] = ()
    """What the paper doesn't state and the sweep guesses, each with the reason; `notes` has them too."""
    guesses: frozenset[Guess] = frozenset()
    """Where `rho: paper` is a guess."""
    choices: tuple[Choice, ...] = ()
    """Every ρ that was chosen from another sweep's results."""
    waits: tuple[Waiting, ...] = ()
    """Choices that can't be made yet."""
    held: tuple[Trial, ...] = ()
    """Trials that wait for them, not among `trials`; their ρ is a placeholder."""
    modules: str | None = None
    """The file's folder, if a plug-in that the sweep names is defined there: workers need it on their path."""


MAX_TRIALS = 1_000_000
"""Trials of a sweep, unless more are asked for: more are probably a mistake, and take minutes to list."""


def load(
    file: Path | str,
    overrides: Mapping[str, str] | None = None,
    chooser: Chooser | None = None,
    *,
    max_trials: int = MAX_TRIALS,
    recorded: Recorded = lambda name: None,
    planned: bool = False,
) -> Sweep:
    """Read, validate and expand a sweep file; SpecError with all faults if any.

    `overrides` maps fields to YAML text, as `--set` gives them. `chooser` chooses a ρ from results; without one, trials
    whose ρ is to be chosen wait. `recorded` gives the content that was recorded for a data set that isn't on this
    machine. With `planned`, also check for what would fail when the trials are trained or measured.
    """
    return _load(Path(file), overrides, chooser or _undecided, max_trials, (), recorded, planned)


def _load(
    file: Path,
    overrides: Mapping[str, str] | None,
    chooser: Chooser,
    max_trials: int,
    chain: tuple[Path, ...],
    recorded: Recorded,
    planned: bool = False,
) -> Sweep:
    """`chain` are the sweeps that choose from this one, the outermost first."""
    source = Source.read(file)
    source.override(overrides or {})
    document = read_document(source)
    chain = (*chain, file)
    searches = Searches(
        source, lambda other: _load(other, None, chooser, max_trials, chain, recorded), chooser, chain, recorded
    )
    with beside(file.parent):
        source.settings_known = look_up(source)
        measures = _read_measures(source, document)
        trials, notes, guesses = expand(source, document, searches, max_trials)
    held = tuple(searches.held.values())
    everything = (*trials, *held)
    measures = measures or tuple(task.measure for task in tasks.of_trials(everything)[:1])
    _check_early_stopping(source, document, trials)
    _check_layout(source, document, everything)
    if planned and not source.faults:
        check_planned(source, document, everything)
    if source.faults:
        raise SpecError(source.faults)
    guessed = _guesses(document)
    return Sweep(
        name=file.stem,
        file=file,
        title=document.title,
        trials=tuple(trials),
        measures=measures,
        resources=document.resources,
        retries=document.retries,
        early_stopping=document.early_stopping,
        rows=tuple(document.rows),
        columns=tuple(document.columns),
        paper=document.paper,
        recipe=document.recipe,
        notes=(
            *(f"{what}: a guess, {why}" for what, why in guessed),
            *notes,
            *(choice.text for choice in searches.choices.values()),
        ),
        guessed=(*guessed, *lost_marks(notes)),
        guesses=guesses,
        choices=tuple(searches.choices.values()),
        waits=searches.waits,
        held=held,
        modules=folder_of(named(everything, measures), file.parent),
    )


def _undecided(search: Sweep, trials: Sequence[Trial], by: str | None) -> Verdict:
    """The chooser that knows of no results."""
    return Verdict(by=by or "", candidates=(), chosen=None, missing=tuple(trials))


def _read_measures(source: Source, document: Document) -> tuple[str, ...]:
    """Their names, each written in the one way; none where the file leaves them to the task."""
    if document.measures == []:
        source.report(("measures",), "has no values", at_key=True)
    names: dict[str, int] = {}
    for index, text in enumerate(document.measures or ()):
        try:
            name = parse(text).name
        except MeasureError as error:
            source.report(("measures", index), str(error))
            continue
        if names.setdefault(name, index) != index:
            source.report(("measures", index), f"repeats {name}")
    return tuple(names)


def _check_early_stopping(source: Source, document: Document, trials: Sequence[Trial]) -> None:
    if document.early_stopping is None:
        return
    longest = max((trial.total_epochs for trial in trials), default=0)
    if 0 < longest <= document.early_stopping.grace_epochs:
        message = f"stops no trial, the longest of which have {longest} epochs"
        source.report(("early_stopping", "grace_epochs"), message)


def _check_layout(source: Source, document: Document, trials: Sequence[Trial]) -> None:
    if not {("rows",), ("columns",)} & {*source.spoiled} and bool(document.rows) != bool(document.columns):
        given, other = ("rows", "columns") if document.rows else ("columns", "rows")
        source.report((given,), f"goes with {other}, such as rows: [variant, scope] and columns: [model]", at_key=True)
    valid = names_of(trials) if document.rows or document.columns else []
    for key, names in (("rows", document.rows), ("columns", document.columns)):
        for index, name in enumerate(names) if trials else ():
            if name and name not in valid:
                source.report((key, index), unknown("field", name, valid))


def _guesses(document: Document) -> list[tuple[str, str]]:
    """The guesses that the sweep declares, and those of its recipe that it doesn't override."""
    own = [*document.guesses.items()]
    if document.recipe is None:
        return own
    written = {name for _, axes in document.written() for name in axes}
    guesses = {name: each for name, each in RECIPES[document.recipe].guesses.items() if name not in written}
    return own + [(f"{name} = {each.value}", each.source.removeprefix("guess: ")) for name, each in guesses.items()]
