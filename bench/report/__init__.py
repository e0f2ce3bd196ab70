"""The report: one self-contained HTML page about sweeps, to be sent, printed, read on a phone or watched."""

from bench.report.page import write_report

__all__ = ["write_report"]
