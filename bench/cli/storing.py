"""Commands about the store itself: schema, compact, and `store` with merge, export and check."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.app import app
from bench.cli.options import DEFAULT_STORES, StoreOption, StoresOption, open_all
from bench.cli.render.terminal import show, tell
from bench.escape import visible

if TYPE_CHECKING:
    from bench.store import Store

store_app = typer.Typer(no_args_is_help=True, help="Merge, export and check stores.")
app.add_typer(store_app, name="store")


@app.command(epilog="Example: sambench schema results")
def schema(table: Annotated[str | None, typer.Argument(metavar="TABLE", help="Table; none: all.")] = None) -> None:
    """Show the tables that `query` knows, and what their columns mean."""
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


@app.command(epilog="Example: sambench compact --store /shared/store")
def compact(store: StoreOption = DEFAULT_STORES) -> None:
    """Fold trials that are over into a few large files, which makes reading fast; workers may go on meanwhile."""
    from bench.store import Store
    from bench.store import compact as fold

    done = fold(Store.open_to_write(store[0]))
    if done.overtaken:
        tell("another compaction ended first and did the work")
    else:
        tell(f"{done.trials} trials compacted, {done.removed} loose files removed")


@store_app.command(epilog="Example: sambench store merge store-a store-b --into store")
def merge(
    sources: Annotated[list[Path], typer.Argument(metavar="STORE…", help="Stores to read.")],
    into: Annotated[Path, typer.Option("--into", help="Store that gets their trials; made if need be.")],
) -> None:
    """Copy the trials of several stores into one; what that has already is kept, but for measures that it lacks."""
    from bench.store import Store
    from bench.store.upkeep.merge import merge as unite

    opened = [Store.open(source) for source in sources]
    done = unite(opened, Store.create(into))
    tell(f"{done.copied} trials copied to {into}, {done.kept} were there already")
    if done.replaced:
        tell(f"{done.replaced} trials that weren't done in {into} were replaced by done ones")
    if done.measures:
        tell(f"{done.measures} measures were added to trials that {into} has from the same training")
    if done.running:
        tell(f"{done.running} trials were left out, because workers or a compaction are at them: merge again later")


@store_app.command(epilog="Example: sambench store export results.parquet --store a --store b")
def export(
    target: Annotated[str, typer.Argument(metavar="FILE", help="Path, or URI such as s3://bucket/results.parquet.")],
    store: StoresOption = DEFAULT_STORES,
) -> None:
    """Write the results, one row per trial, as one Parquet file."""
    from bench.store.upkeep.export import export as write

    rows = write(open_all(store), target)
    tell(f"wrote {rows} results to {target}")


@store_app.command(epilog="Example: sambench store check --repair")
def check(
    store: StoreOption = DEFAULT_STORES,
    repair: Annotated[bool, typer.Option("--repair", help="Restore or set aside damage, clear up.")] = False,
) -> None:
    """Read everything: damage, wrong ids, live and stale claims, orphans; exit code 1 if results are in doubt."""
    from bench.store import Store
    from bench.store.upkeep import check as checking

    opened = Store.open_to_write(store[0]) if repair else Store.open(store[0])
    counts: Counter[str] = Counter()
    bad = 0
    for finding in checking.check(opened):
        counts[finding.kind] += 1
        bad += finding.bad
        print(visible(f"{finding.kind}: {finding.path}: {finding.text}"))
    told = ", ".join(f"{count} × {kind}" for kind, count in counts.items()) or "nothing to report"
    tell(f"{opened.root}: {told}")
    if repair:
        _repair(opened, bad=bool(bad))
    elif bad:
        tell("--repair restores what it can; damaged trials are also set aside by the next `run`, to be trained again")
    if bad:
        raise typer.Exit(1)


def _repair(store: Store, *, bad: bool) -> None:
    from bench.store.upkeep.repair import remove_leftovers, repair

    if removed := remove_leftovers(store):
        tell(f"{removed} leftovers of killed processes removed")
    if not bad:
        return
    done = repair(store)
    tell(f"{done.restored} trials restored, {done.given_up} given up: `sambench run` trains them again")
    if done.without_history:
        tell(f"{done.without_history} of the restored lost their history of epochs, not their results")
