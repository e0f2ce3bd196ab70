"""Interrupts: Ctrl-C ends a command at once, even within DuckDB, unless it has to clean up or report."""

from __future__ import annotations

import signal


def end_at_once() -> None:
    """From now on Ctrl-C ends the process, as the shell expects; what it writes can be cut off anywhere."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def catch() -> None:
    """From now on Ctrl-C, and whoever ends the process kindly, raise KeyboardInterrupt."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
