"""The list of sweeps: the paper's tables and figures in order, with sweeps, cost and guesses; then all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.estimate import HARDWARE
from bench.papers.sam_on.exhibits import EXHIBITS, Exhibit
from bench.trial import Trial


@dataclass(frozen=True, kw_only=True)
class SweepSummary:
    """One sweep of the list."""

    sweep: str
    title: str
    paper: str | None
    trials: int
    waiting: tuple[str, ...]
    """Sweeps that it chooses ρ from and waits for."""
    gpu_hours: float
    """Of all its trials, whether done or not."""
    measured: int
    """Trials of a kind that the store has measured on a GPU; the others go by the rule of `bench.estimate`."""
    unknown: int
    """Trials that the rule knows nothing of; they are not in `gpu_hours`."""
    guesses: tuple[tuple[str, str], ...] = ()
    """What the paper doesn't state, each with the reason."""


@dataclass(frozen=True, kw_only=True)
class ExhibitRow:
    """One table, figure or appendix of the paper."""

    exhibit: Exhibit
    lines: tuple[SweepSummary, ...]
    """Its sweeps."""
    new: int
    """Trials that no row before has."""

    @property
    def guesses(self) -> tuple[tuple[str, str], ...]:
        """Of all its sweeps, each once."""
        return tuple(dict.fromkeys(guess for line in self.lines for guess in line.guesses))


def rows(lines: Sequence[SweepSummary], trials: dict[str, Sequence[Trial]]) -> list[ExhibitRow]:
    """The paper's rows; none if no sweep is of the paper. `trials` are those of each sweep."""
    by_name = {line.sweep: line for line in lines}
    seen: set[str] = set()
    made = []
    for exhibit in EXHIBITS:
        own = [by_name[name] for name in exhibit.sweeps if name in by_name]
        ids = {trial.trial_id for line in own for trial in trials[line.sweep]}
        made.append(ExhibitRow(exhibit=exhibit, lines=tuple(own), new=len(ids - seen)))
        seen |= ids
    return made if any(row.lines for row in made) else []


def listing(paper: Sequence[ExhibitRow], lines: Sequence[SweepSummary]) -> RenderableType:
    """Tables for people: the paper's rows, and the sweeps that are in none of them."""
    shown = {line.sweep for row in paper for line in row.lines}
    others = [line for line in lines if line.sweep not in shown]
    parts: list[RenderableType] = [_paper_table(paper)] if paper else []
    parts += [_table(others)] if others else []
    return Group(*parts, Text(_legend(lines)))


def _paper_table(paper: Sequence[ExhibitRow]) -> Table:
    table = _columns("the paper's", "shows")
    for row in paper:
        shown = Text(row.exhibit.shows)
        if row.guesses:
            shown.append("\nguesses: " + "; ".join(what for what, _ in row.guesses), style="dim")
        for command, others in row.exhibit.commands:
            shown.append(f"\n{command}", style="cyan")
            shown.append(_others(others))
        if row.exhibit.instead:
            shown.append(f"\n{row.exhibit.instead}", style="dim")
        table.add_row(row.exhibit.name, shown, *_numbers(row.lines))
    return table


def _table(lines: Sequence[SweepSummary]) -> Table:
    table = _columns("sweep", "title", max((len(line.sweep) for line in lines), default=0))
    for line in lines:
        waits = f" (waits for {', '.join(line.waiting)})" if line.waiting else ""
        table.add_row(line.sweep, Text(line.title + waits), *_numbers([line]))
    return table


def _columns(name: str, about: str, width: int | None = None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(name, overflow="fold", min_width=width)
    table.add_column(about)
    table.add_column("trials", justify="right", no_wrap=True)
    table.add_column("GPU-hours", justify="right", no_wrap=True)
    return table


def _numbers(lines: Sequence[SweepSummary]) -> tuple[str, str]:
    return "\n".join(str(line.trials) for line in lines), "\n".join(map(hours, lines))


def hours(line: SweepSummary) -> str:
    """GPU-hours of a sweep, with a mark where they aren't wholly measured."""
    mark = "" if line.measured == line.trials else "~" if line.measured else "≈"
    unsure = "?" if line.unknown else ""
    told = f"{line.gpu_hours:,.{0 if line.gpu_hours >= 10 else 1}f}" if line.gpu_hours >= 0.1 else "< 0.1"
    return f"{mark} {told}{unsure}"


def _legend(lines: Sequence[SweepSummary]) -> str:
    told = f"GPU-hours are for all trials of a sweep. ≈: estimated for {HARDWARE} from the FLOPs of its networks."
    if any(line.measured for line in lines):
        told += " ~: partly by times that the store has measured. No mark: wholly so."
    if any(line.unknown for line in lines):
        told += " ?: some trials aren't counted, because nothing is known of their model or data."
    told += "\nSweeps share trials: what one has run, another finds done."
    return f"{told} `sambench plan` says why each is a guess." if any(line.guesses for line in lines) else told


def markdown(paper: Sequence[ExhibitRow]) -> str:
    """The paper's rows as a table in Markdown, with the reason of each guess."""
    head = "| | shows | trials, of them new | GPU-hours | commands | guesses |\n|---|---|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(map(_escaped, _cells(row)))} |\n" for row in paper)


def _cells(row: ExhibitRow) -> list[str]:
    counts = "<br>".join(str(line.trials) for line in row.lines)
    commands = [f"`{command}`{_others(others)}" for command, others in row.exhibit.commands]
    guesses = [f"{what}: {why}" for what, why in row.guesses]
    return [
        row.exhibit.name,
        row.exhibit.shows,
        f"{counts}<br>{row.new} new" if row.lines else "",
        "<br>".join(map(hours, row.lines)),
        "<br>".join([*commands, *([row.exhibit.instead] if row.exhibit.instead else [])]),
        "<br>".join(guesses),
    ]


def _others(count: int) -> str:
    return f" and {count} other{'s' if count > 1 else ''} of its measures" if count else ""


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")
