"""Every method that names a source can be cited, and sambench cites itself as it asks others to."""

from __future__ import annotations

import re

from bench.optim.registry import OPTIMIZERS
from bench.papers.references import REFERENCES, SAM, SAM_ON, references
from bench.publish.citations import bibtex, citation_file
from bench.sam.registry import SCOPES, VARIANTS
from tests.shared.architecture import ROOT


def test_every_source_has_its_reference() -> None:
    sources = [registry[name].source for registry in (OPTIMIZERS, VARIANTS, SCOPES) for name in registry]
    said = {part.strip() for source in sources for part in source.split(";") if part}
    assert not [part for part in said if not part.startswith(tuple(REFERENCES))]
    assert len(references(sources)) == len(REFERENCES)
    for name, reference in REFERENCES.items():
        family, year = re.split(r" et al\.? | and \w+ | ", name)[0], name[-4:]
        assert reference.authors[0].startswith(f"{family},")
        assert str(reference.year) == year
        assert reference.arxiv == "" or re.fullmatch(r"\d{4}\.\d{4,5}", reference.arxiv)


def test_keys_are_unique_and_braces_closed() -> None:
    told = bibtex(REFERENCES.values())
    keys = re.findall(r"^@\w+\{(.+),$", told, re.MULTILINE)
    assert len({*keys}) == len(keys) == len(REFERENCES) + 1
    assert told.count("{") == told.count("}")


def test_the_repository_cites_itself_alike() -> None:
    told = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert citation_file([REFERENCES[SAM_ON], REFERENCES[SAM]]) == told
