"""Which errors are the machine's: one rule, whatever library raises them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bench.errors import MachineFault, counted, machine_fault, unknown

STORE = Path("/a/store")


def wrapped(error: Exception) -> Exception:
    try:
        try:
            raise error
        except Exception as cause:
            raise ValueError("of another library") from cause
    except ValueError as outer:
        return outer


def system(number: int, name: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), name)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (system(errno.ENOSPC), "No space left on device"),
        (system(errno.EDQUOT, "/x"), "/x: Disk quota exceeded"),
        (system(errno.EFBIG), "File too large"),
        (system(errno.EIO, "/data/images"), "/data/images: Input/output error"),
        (system(errno.EROFS, "/x"), "/x: Read-only file system"),
        (system(errno.ESTALE), "Stale file handle"),
        (system(errno.EMFILE), "Too many open files"),
        (system(errno.ENOENT, "/a/store/trials/1/checkpoint.pt"), "/a/store/trials/1/checkpoint.pt: No such file or"),
        (wrapped(system(errno.ENOSPC, "/x")), "/x: No space left on device"),
        (RuntimeError("unable to write to file </torch_1>: No space left on device (28)"), "unable to write to file"),
        (FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"), "No usable temporary directory"),
        (MachineFault("as a worker said"), "as a worker said"),
    ],
)
def test_a_fault_of_the_machine_is_known_for_it(error: Exception, told: str) -> None:
    assert told in machine_fault(error, STORE)


def test_an_error_among_its_own_causes_ends_the_search() -> None:
    first, second = ValueError("one"), ValueError("other")
    first.__cause__, second.__cause__ = second, first
    assert machine_fault(first) == ""


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a fault of ours"),
        MemoryError(),
        system(errno.ENOMEM),
        system(errno.ENOENT, "/data/cifar"),
        system(errno.ENOENT, "/a/store-of-another/x"),
        system(errno.EACCES, "/data/cifar"),
    ],
)
def test_a_fault_of_the_trial_is_none_of_the_machine(error: Exception) -> None:
    assert machine_fault(error, STORE) == ""


MANY = [f"resnet{depth}" for depth in range(8, 60, 4)]


@pytest.mark.parametrize(
    ("what", "name", "valid", "message"),
    [
        ("scope", "al", ["all", "no_norm"], "unknown scope 'al'; did you mean all; valid: all, no_norm"),
        ("scope", "zz", MANY[:12], f"unknown scope 'zz'; valid: {', '.join(MANY[:12])}"),
        ("model", "resnt56", MANY, "unknown model 'resnt56'; did you mean resnet56, resnet52 or resnet36; `sambench"),
        ("model", "zz", MANY, "unknown model 'zz'; `sambench list models` lists them"),
        ("key", "foo", ["oom", "rows"], "unknown key 'foo'; valid: "),
        ("key", "base", ["ascent", "rows"], "unknown key 'base'; valid: "),
        ("variant", "Late-SAM", ["late_sam", "ae_sam"], "unknown variant 'Late-SAM'; did you mean late_sam; valid: "),
        ("field", "wd", ["weight_decay", "seed"], "unknown field 'wd'; did you mean weight_decay; valid: "),
        ("optimizer", "sdg", ["sgd", "adamw"], "unknown optimizer 'sdg'; did you mean sgd; valid: "),
        ("key", "zz", MANY, f"unknown key 'zz'; valid: {', '.join(MANY[:12])} and 1 more"),
    ],
)
def test_an_unknown_name_is_answered_with_few_others(what: str, name: str, valid: list[str], message: str) -> None:
    assert unknown(what, name, valid).startswith(message)


def test_one_is_told_as_one() -> None:
    assert [counted(number, "trial", "is", "are") for number in (0, 1, 2)] == [
        "0 trials are",
        "1 trial is",
        "2 trials are",
    ]
    assert [counted(number, "process") for number in (1, 2)] == ["1 process", "2 processes"]
