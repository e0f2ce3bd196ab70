"""A page for programs: records as CSV, records and notes as JSON."""

from __future__ import annotations

import csv
import io
import json

from bench.board.page.page import Page


def as_csv(page: Page) -> str:
    """One line per cell, then one per pair, each empty in the columns of the other; their names come first."""
    sink = io.StringIO()
    records = [*page.records, *page.pairs]
    columns = dict.fromkeys(name for record in records for name in record)
    writer = csv.DictWriter(sink, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return sink.getvalue()


def as_json(page: Page) -> str:
    """Facts, records, answer and notes; what isn't known is null."""
    document = {**page.facts, "cells": page.records, "answer": page.lead, "notes": page.notes}
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
