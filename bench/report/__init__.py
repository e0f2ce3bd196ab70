"""The report: one self-contained HTML page about sweeps, to be sent, printed or read on a phone."""

from bench.report.page import write_report

__all__ = ["write_report"]
