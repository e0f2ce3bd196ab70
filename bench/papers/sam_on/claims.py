"""Claims: which of its methods the paper says is better, and the effect that it claims at one of its numbers.

Source: Müller et al. 2023 ("Normalization Layers Are All That Sharpness-Aware Minimization Needs"): only_norm beats
all (section 4), both beat the base optimizer, and no mask of only_norm's sparsity does as well (section 5.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bench.papers.sam_on.numbers import PaperCell, Subject, numbers
from bench.trial import NONE


@dataclass(frozen=True)
class ScopeClaim:
    """That one scope is better than another, or than the base optimizer."""

    text: str
    better: str
    worse: str


CLAIMS = (
    ScopeClaim("only_norm beats all", "only_norm", "all"),
    ScopeClaim("only_norm beats the base optimizer", "only_norm", NONE),
    ScopeClaim("all beats the base optimizer", "all", NONE),
)
"""Those that a board tests method by method."""
_MASKS = tuple(ScopeClaim(f"only_norm beats {scope}", "only_norm", scope) for scope in ("random", "ssam_f", "ssam_d"))


@dataclass(frozen=True)
class Effect:
    """The smallest difference that the paper claims between a number of its own and another."""

    size: float
    rival: PaperCell
    """The other number."""

    @property
    def text(self) -> str:
        """`0.51 to all`."""
        subject = self.rival.subject
        return f"{self.size:.6g} to {subject.optimizer if subject.scope == NONE else subject.scope}"


def effect_at(cell: PaperCell) -> Effect | None:
    """What a margin must stay below for the claims about the cell to be seen in it; None if all rivals are lost."""
    assert cell.mean is not None, "a lost number is compared with none"
    # Rounded as differences of printed decimals: 84.19 − 83.11 is 1.08.
    sizes = [(round(abs(cell.mean - mean), 9), each) for each in _rivals(cell) if (mean := each.mean) is not None]
    return Effect(*min(sizes, key=lambda pair: pair[0])) if sizes else None


def _rivals(cell: PaperCell) -> Iterator[PaperCell]:
    """The cells of the same table that a claim compares it with."""
    scopes = {claim.worse for claim in (*CLAIMS, *_MASKS) if claim.better == cell.subject.scope}
    scopes |= {claim.better for claim in (*CLAIMS, *_MASKS) if claim.worse == cell.subject.scope}
    for other in numbers().cells:
        if (other.table, other.measure) == (cell.table, cell.measure) and other.subject.scope in scopes:
            # The base optimizer is compared with every variant, a scope with the others of its own.
            either_is_base = NONE in (cell.subject.scope, other.subject.scope)
            if _compared(other.subject) == _compared(cell.subject) and (
                either_is_base or other.subject.variant == cell.subject.variant
            ):
                yield other


def _compared(subject: Subject) -> Subject:
    """What both sides of a claim share."""
    return replace(subject, variant=NONE, scope=NONE, rho=None, sparsity=None)
