"""A page for programs: records as CSV, records and notes as JSON."""

from __future__ import annotations

import csv
import io
import json

from bench.board.page.page import Page


def as_csv(page: Page) -> str:
    """One line per record; the names of the columns come first."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(page.records[0])
    writer.writerows(record.values() for record in page.records)
    return sink.getvalue()


def as_json(page: Page) -> str:
    """Facts, records, answer and notes; what isn't known is null."""
    document = {**page.facts, "cells": page.records, "answer": page.lead, "notes": page.notes}
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
