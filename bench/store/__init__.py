"""The store: a folder of Parquet files, checkpoints and logs; the single source of truth about runs.

```
store.json                    schema of the layout
trials/ID/trial.json          what the trial is
trials/ID/attempts/N.claim    who holds attempt N; touched every few seconds
trials/ID/attempts/N.parquet  how attempt N ended
trials/ID/attempts/N.interrupted  N was stopped by a fault of the machine, such as a full disk
trials/ID/attempts/N.report   of several processes: what the first says; beside it N.failure and N.stop
trials/ID/cancelled           nobody trains it until the next `run`
trials/ID/history.parquet     one row per epoch
trials/ID/measures.parquet    what was measured at the end of the training
trials/ID/measures/KEY.parquet a quantity that was measured later; beside it N.claim, who measures the trial
trials/ID/weights.safetensors the trained model
trials/ID/outputs.parquet     what it says of each test image
trials/ID/checkpoint.pt       state after an epoch or stop, while the trial isn't done
trials/ID/progress.json       the newest epoch, while the trial isn't done
trials/ID/log.txt             what its workers said
changed/ID-N                  mark of a trial that may have more than its compacted rows
compact/                      trials that are over, folded into large files; see `bench.store.compacted.manifest`
damaged/ID-…/                 folders set aside because a file in them was damaged, or a done trial was merged
superseded/ID-N/, ID-N.parquet what a trial's trainings up to attempt N left, before it was trained again
.work-…/                      what a compaction or merge writes until it is whole; removed at its end
.tmp-…                        anywhere: a file until it is whole; see `bench.store.files.temporary`
```

Three ways to read: `query(store, "SELECT …")`, `open(PATH).results().pandas()` (or `.polars()`, `.arrow()`), and any
program that reads Parquet; docs/store.md has the globs.
"""

from bench.store.attempt import Attempt, Outcome
from bench.store.claims.claim import Claim, ClaimLost, acquire, close_dead
from bench.store.folder import StoreError, TrialFolder
from bench.store.read.query import QueryError, Readable, Rows, connect, query, query_rows
from bench.store.read.tables import TABLES
from bench.store.state import State, cancel, open_attempt, set_aside_damaged, state_of, states
from bench.store.store import Store
from bench.store.upkeep.compact import compact
from bench.store.upkeep.export import Results, Stores, export, read_exported
from bench.store.upkeep.export import open_stores as open

__all__ = [
    "TABLES",
    "Attempt",
    "Claim",
    "ClaimLost",
    "Outcome",
    "QueryError",
    "Readable",
    "Results",
    "Rows",
    "State",
    "Store",
    "StoreError",
    "Stores",
    "TrialFolder",
    "acquire",
    "cancel",
    "close_dead",
    "compact",
    "connect",
    "export",
    "open",
    "open_attempt",
    "query",
    "query_rows",
    "read_exported",
    "set_aside_damaged",
    "state_of",
    "states",
]
