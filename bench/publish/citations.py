"""Citations: sambench and the papers whose methods a bundle compares, as BibTeX and as CITATION.cff."""

from __future__ import annotations

import json
from collections.abc import Iterable

import bench
from bench.papers.references import Reference

TITLE = "sambench: a distributed benchmark runner for sharpness-aware minimization"
LICENSE = "MIT"
AUTHORS = "The sambench authors"


def bibtex(cited: Iterable[Reference]) -> str:
    """sambench and these as BibTeX."""
    own = f"@software{{sambench,\n  title = {{{{{TITLE}}}}},\n  author = {{{{{AUTHORS}}}}},\n"
    own += f"  version = {{{bench.__version__}}},\n}}\n"
    return "\n".join([own, *map(_entry, cited)])


def _entry(reference: Reference) -> str:
    place = {"article": "journal", "inproceedings": "booktitle"}.get(reference.kind)
    lines = {"title": f"{{{reference.title}}}", "author": " and ".join(reference.authors), "year": str(reference.year)}
    lines |= {place: reference.venue} if place else {}
    lines |= {"eprint": reference.arxiv, "archivePrefix": "arXiv"} if reference.arxiv else {}
    told = "".join(f"  {name} = {{{value}}},\n" for name, value in lines.items())
    return f"@{reference.kind}{{{reference.key},\n{told}}}\n"


def citation_file(cited: Iterable[Reference]) -> str:
    """sambench as CITATION.cff, with these as its references."""
    lines = [
        "cff-version: 1.2.0",
        'message: "If you use sambench, please cite it, and the papers whose methods you compare."',
        f"title: {json.dumps(TITLE)}",
        "type: software",
        f"version: {bench.__version__}",
        f"license: {LICENSE}",
        "authors:",
        f"  - name: {json.dumps(AUTHORS)}",
        "references:",
    ]
    return "\n".join([*lines, *(line for each in cited for line in _cited(each))]) + "\n"


def _cited(reference: Reference) -> list[str]:
    kind = {"article": "article", "inproceedings": "conference-paper"}.get(reference.kind, "generic")
    named = (author.partition(", ") for author in reference.authors if author != "others")
    lines = [f"  - type: {kind}", f"    title: {json.dumps(reference.title, ensure_ascii=False)}", "    authors:"]
    lines += [f"      - {{family-names: {family}, given-names: {given}}}" for family, _, given in named]
    lines += [f"    year: {reference.year}"]
    if reference.venue:
        place = "journal" if kind == "article" else "collection-title"
        lines.append(f"    {place}: {json.dumps(reference.venue)}")
    return lines
