"""Grouped notes: the guesses and choices that went into a sweep, with those that say the same thing joined."""

from __future__ import annotations

from collections import Counter

from bench.sweep import Sweep


def grouped_notes(sweep: Sweep) -> tuple[str, ...]:
    """`SUBJECT, SUBJECT: WHAT`, and one line for each sweep that ρ is chosen from."""
    chosen = {choice.text for choice in sweep.choices}
    told: dict[str, list[str]] = {}
    for note in sweep.notes:
        if note not in chosen:
            subject, colon, what = note.partition(": ")
            told.setdefault(what if colon else note, []).append(subject if colon else "")
    lines = [f"{', '.join(subjects)}: {what}" if subjects[0] else what for what, subjects in told.items()]
    return tuple(lines + _choices(sweep))


def _choices(sweep: Sweep) -> list[str]:
    counts = Counter((choice.sweep, choice.by) for choice in sweep.choices)
    remarked = Counter((choice.sweep, choice.by) for choice in sweep.choices if choice.remarks)
    return [
        f"ρ of {count} methods chosen by mean {by} in {name}"
        + (f", {remarked[name, by]} with a remark" if remarked[name, by] else "")
        + f": `sambench plan {sweep.file}` lists them."
        for (name, by), count in counts.items()
    ]
