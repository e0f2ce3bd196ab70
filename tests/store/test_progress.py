"""How far a trial is: written whole, read leniently, and no matter what the log says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.store import Store
from bench.store.progress import EpochProgress, read_progress, write_progress
from bench.trial import Trial

SECOND = EpochProgress(epoch=2, epochs=5, quality=81.5, seconds=4.0)


def test_progress_is_read_as_it_was_written(store: Store, make_trial: Callable[..., Trial]) -> None:
    trial = make_trial()
    store.add([trial])
    folder = store.folder(trial.trial_id)
    assert read_progress(folder) is None
    write_progress(folder, EpochProgress(epoch=1, epochs=5, quality=70.0, seconds=4.0))
    write_progress(folder, SECOND)
    assert read_progress(folder) == SECOND
    assert SECOND.seconds_left == 12.0
    assert sorted(path.name for path in folder.path.iterdir()) == ["attempts", "progress.json", "trial.json"]


ODD = '{"epoch": 1, "epochs": 5, "accuracy": %s, "seconds": %s}'


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b'{"epoch": 1}', b'{"epoch": 1, "more": 2}', b"\xff", b"[" * 10**5]
    + [(ODD % odd).encode() for odd in (('"70"', 4), (70, "null"), (70, "1e300"), (70, "NaN"), (70, -4))],
)
def test_a_file_that_does_not_tell_is_no_error(store: Store, make_trial: Callable[..., Trial], content: bytes) -> None:
    trial = make_trial()
    store.add([trial])
    folder = store.folder(trial.trial_id)
    folder.progress.write_bytes(content)
    assert read_progress(folder) is None
