"""Kill and damage at random for as long as you like, and count: `python -m tests.chaos --minutes 40`.

Every round is a store of its own in a folder of its own, which is removed if nothing was wrong with it. Counts are
appended to a file, so that campaigns add up; `--total` shows them. Exit code 1 if anything was found.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

# Before torch and its libraries are imported; results also depend on the number of threads.
os.environ["OMP_NUM_THREADS"] = "1"

from tests.chaos.damage import KINDS as FILES
from tests.chaos.rounds import KINDS, Options, play
from tests.chaos.tally import Tally, total


def main() -> int:
    """The command."""
    # So that everything that was started is ended.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    arguments = parse()
    if arguments.total:
        print("\n".join(total(arguments.record).lines()))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=arguments.folder))
    options = Options(
        folder=folder,
        truths=arguments.folder or folder,
        writers=arguments.writers,
        seeds=arguments.seeds,
        pace=arguments.pace,
        trained=arguments.trained,
        epochs=arguments.epochs,
        drivers=arguments.drivers,
        roles=tuple(arguments.roles),
        damages=arguments.damages,
        files=tuple(arguments.files),
    )
    deadline = time.monotonic() + 60 * arguments.minutes
    whole = Tally()
    for number, kind in enumerate(itertools.cycle(arguments.kinds)):
        if number >= arguments.rounds * len(arguments.kinds) or time.monotonic() > deadline:
            break
        seed = arguments.seed + number
        tally = Tally()
        began = time.monotonic()
        try:
            play(kind, seed, options, tally, min(arguments.round_seconds, deadline - time.monotonic()))
        except TimeoutError as error:
            tally.findings.append(f"hung: {error} [{kind}, seed {seed}]")
        finally:
            if arguments.record:
                tally.record(arguments.record, seed=seed, kind=kind, seconds=round(time.monotonic() - began, 1))
        whole.add(tally)
        print(f"{kind}, seed {seed}: {tally.kills()} kills, {tally.damages.total()} damages", flush=True)
        for finding in tally.findings:
            print(f"  {finding}", flush=True)
    if not whole.findings:
        shutil.rmtree(folder)
    else:
        print(f"stores with findings are kept in {folder}")
    print("\n".join(whole.lines()))
    if arguments.record:
        print("\n".join(["all campaigns:", *total(arguments.record).lines()]))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return int(bool(whole.findings))


def parse() -> argparse.Namespace:
    """What the user wants."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=str(__doc__).splitlines()[0])
    add = parser.add_argument
    add("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="rounds to play, in turn (default: all)")
    add("--minutes", type=float, default=10.0, help="when to begin no further round (default: %(default)s)")
    add("--rounds", type=int, default=10**9, help="rounds of each kind at most (default: as time allows)")
    add("--round-seconds", type=float, default=120.0, help="of disturbance in a round (default: %(default)s)")
    add("--seed", type=int, default=int(time.time()), help="of the first round (default: the time)")
    add("--record", type=Path, help="file to which counts are appended, outside the repository")
    add("--total", action="store_true", help="only show what --record adds up to")
    add("--folder", type=Path, help="where stores are made, and undisturbed results kept (default: a temporary one)")
    add("--pace", type=float, default=1.0, help="above 1: fewer signals, below: more (default: %(default)s)")
    add("--writers", type=int, default=48, help="of recorded trials at once (default: %(default)s)")
    add("--seeds", type=int, default=30, help="of recorded trials, three trials each (default: %(default)s)")
    add("--trained", type=int, default=2, help="seeds of trained trials, three each (default: %(default)s)")
    add("--epochs", type=int, help="of trained trials; fewer for a machine that is busy (default: by kind)")
    add("--drivers", type=int, default=2, help="of trained trials at once (default: %(default)s)")
    add("--damages", type=int, default=60, help="in a round of damage (default: %(default)s)")
    add("--files", nargs="+", choices=FILES, default=list(FILES), help="kinds of files to damage (default: all)")
    roles = ["compaction", "merge", "export", "measure"]
    add("--roles", nargs="*", choices=roles, default=roles, help="beside writers (default: all)")
    arguments = parser.parse_args()
    if arguments.total and not arguments.record:
        parser.error("--total: needs --record")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
