"""The command publish."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from bench.cli.loading import load_with_notes, open_all
from bench.cli.options import DEFAULT_STORES, MaxTrialsOption, SetOption, StoresOption, WhereOption
from bench.cli.render.terminal import tell
from bench.cli.signature import Argument, Option, command
from bench.errors import counted

if TYPE_CHECKING:
    from bench.sweep import Sweep


@command(example="sambench publish demo --to supplement")
def publish(
    sweeps: Annotated[list[Path], Argument(metavar="SWEEP...", help="Sweeps to publish together.")],
    to: Annotated[
        str,
        Option(
            "--to", metavar="FOLDER", help="Target: a folder, s3://BUCKET/FOLDER or hf://datasets/USER/NAME/FOLDER."
        ),
    ],
    store: StoresOption = DEFAULT_STORES,
    set_: SetOption = None,
    max_trials: MaxTrialsOption = None,
    where: WhereOption = None,
) -> None:
    """Publish a paper's supplement: results, sweeps, versions, report and checksums in one folder."""
    from bench.publish import destination
    from bench.publish.publish import publish as fill
    from bench.publish.readme import SweepOptions

    main = [load_with_notes(each, set_, store, max_trials=max_trials, where=where) for each in sweeps]
    named = {each.file.name for each in main}

    def load(file: Path, root: Path | None) -> Sweep:
        ours = file.name in named
        return load_with_notes(
            file,
            set_ if ours else None,
            store if root is None else [root],
            max_trials=max_trials,
            where=where if ours else None,
        )

    stores = open_all(store)
    done = destination.put(to, lambda root: fill(stores, main, load, root, SweepOptions(set_ or (), where or ())))
    tell(f"{to}: {counted(done.trials, 'trial')}, {done.done} of them done, outputs of {done.outputs}")
