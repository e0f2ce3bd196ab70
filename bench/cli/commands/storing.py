"""Commands about the store itself: schema, compact, and `store` with merge, export, check and forget."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from click.exceptions import Exit

from bench.cli.loading import open_all
from bench.cli.options import (
    DEFAULT_STORES,
    MaxTrialsOption,
    SetOption,
    SmokeOption,
    StoreOption,
    StoresOption,
    TrialsArgument,
    WhereOption,
)
from bench.cli.render.terminal import fail, show, tell
from bench.cli.signature import Argument, Option, command
from bench.cli.trials import named_trials
from bench.errors import counted
from bench.escape import visible

if TYPE_CHECKING:
    from bench.store import Store


@command(example="sambench schema results")
def schema(table: Annotated[str | None, Argument(metavar="TABLE", help="Table; default: all.")] = None) -> None:
    """Show the tables that `query` can read and what their columns mean."""
    from rich import box
    from rich.table import Table

    from bench.store.read.columns import ABOUT, columns

    for name in [table] if table else ABOUT:
        listed = columns(name)
        shown = Table("column", "type", "meaning", box=box.SIMPLE_HEAD, title=f"{name}: {ABOUT[name]}")
        shown.title_justify = "left"
        for column in listed:
            shown.add_row(*column)
        show(shown)


@command(example="sambench compact --store /shared/store")
def compact(store: StoreOption = DEFAULT_STORES) -> None:
    """Compact finished trials into a few large files for faster reading; safe while workers run."""
    from bench.store import Store
    from bench.store import compact as fold

    done = fold(Store.open_to_write(store[0]))
    if done.overtaken:
        tell("another compaction finished first")
    else:
        tell(f"{counted(done.trials, 'trial')} compacted, {counted(done.removed, 'loose file')} removed")


@command(example="sambench store merge store-a store-b --into store")
def merge(
    sources: Annotated[list[Path], Argument(metavar="STORE...", help="Stores to copy from.")],
    into: Annotated[Path, Option("--into", metavar="STORE", help="Store to copy into; created if missing.")],
) -> None:
    """Copy the trials of several stores into one; existing results are kept."""
    from bench.store import Store
    from bench.store.upkeep.merge import merge as unite

    opened = [Store.open(source) for source in sources]
    done = unite(opened, Store.create(into))
    tell(f"{counted(done.copied, 'trial')} copied to {into}, {done.kept} already there")
    if done.replaced:
        tell(f"in {into} {counted(done.replaced, 'trial', 'was', 'were')} not done, and replaced")
    if done.measures:
        tell(f"{counted(done.measures, 'measure')} added to trials that {into} has from the same training")
    if done.other_code:
        others = counted(done.other_code, "trial", "is", "are")
        tell(f"{others} by other code in {into}, which keeps its own results: see docs/code.md")
    if done.running:
        busy = counted(done.running, "trial")
        tell(f"{busy} left out, because workers or a compaction are using them: merge again later")


@command(example="sambench store export results.parquet --store a --store b")
def export(
    target: Annotated[str, Argument(metavar="FILE", help="Path or URI, such as s3://bucket/results.parquet.")],
    store: StoresOption = DEFAULT_STORES,
) -> None:
    """Write all results to one Parquet file, one row per trial."""
    from bench.store.upkeep.export import export as write

    rows = write(open_all(store), target)
    tell(f"wrote {counted(rows, 'row')}, one per trial, to {target}")


@command(example="sambench store check --repair")
def check(
    store: StoreOption = DEFAULT_STORES,
    repair: Annotated[
        bool, Option("--repair", help="Restore what can be restored, set the rest aside, remove leftovers.")
    ] = False,
) -> None:
    """Check everything in a store; exit with code 1 if results are in doubt."""
    from bench.store import Store
    from bench.store.upkeep import check as checking
    from bench.sweep.code import all_by_other_code

    opened = Store.open_to_write(store[0]) if repair else Store.open(store[0])
    counts: Counter[str] = Counter()
    bad = 0
    for finding in checking.check(opened):
        counts[finding.kind] += 1
        bad += finding.bad
        print(visible(f"{finding.kind}: {finding.path}: {finding.text}"))
    for others in all_by_other_code(opened):
        counts["other code"] += others.trials
        print(f"other code: {others.trials} done trials, such as {others.example}: {', '.join(others.parts)}")
    told = ", ".join(f"{count} × {kind}" for kind, count in counts.items()) or "nothing to report"
    tell(f"{opened.root}: {told}")
    if repair:
        _repair(opened, bad=bool(bad))
    elif bad:
        tell("--repair restores what it can; damaged trials are also set aside by the next `run`, to be trained again")
    if bad:
        raise Exit(1)


@command(example="sambench store forget sweeps/demo.yaml --where variant=sam")
def forget(
    what: TrialsArgument,
    store: StoreOption = DEFAULT_STORES,
    set_: SetOption = None,
    smoke: SmokeOption = False,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
    yes: Annotated[bool, Option("--yes", help="Don't ask for confirmation.")] = False,
) -> None:
    """Delete one trial or a sweep's trials from the store, with weights, logs and measures."""
    from bench.store import Store
    from bench.store.upkeep import forget as forgetting

    named = named_trials(
        what, lambda: [Store.open_to_write(store[0])], store, set_, where, smoke=smoke, max_trials=max_trials
    )
    opened = Store.open_to_write(store[0])
    there = [trial_id for trial_id in opened.trial_ids() if trial_id in named]
    if not there:
        fail(f"nothing to delete: {opened.root} has none of these {len(named)} trials")
    for trial_id, reason in forgetting.in_use(opened, there).items():
        fail(f"trial {trial_id} can't be deleted: {reason}")
    tell(f"{counted(len(there), 'trial')} of {opened.root}:")
    for trial_id in there[:_LISTED]:
        tell(f"  {trial_id} {named[trial_id]}")
    if len(there) > _LISTED:
        tell(f"  … and {len(there) - _LISTED} more")
    if not yes and not _agreed("Delete them, with weights, logs and results? [y/N] "):
        fail("nothing was deleted; --yes skips the question")
    forgetting.forget(opened, there)
    tell(f"{counted(len(there), 'trial')} deleted from {opened.root}")


_LISTED = 10
"""Trials that a question names."""


def _agreed(question: str) -> bool:
    """Whether somebody is there and says yes."""
    try:
        return sys.stdin.isatty() and input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _repair(store: Store, *, bad: bool) -> None:
    from bench.store.upkeep.repair import remove_leftovers, repair

    if removed := remove_leftovers(store):
        tell(f"{counted(removed, 'leftover')} of killed processes removed")
    if not bad:
        return
    done = repair(store)
    tell(f"{counted(done.restored, 'trial')} restored, {done.given_up} given up: `sambench run` trains them again")
    if done.without_history:
        tell(f"{done.without_history} of the restored lost their history of epochs, not their results")
