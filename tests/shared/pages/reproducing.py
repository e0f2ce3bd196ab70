"""docs/reproducing.md, whose table is made of the sweeps and of what the paper shows.

`python -m tests.shared.pages.reproducing` writes the table anew; a test compares it with what it would write.
"""

from __future__ import annotations

from bench.cli.commands.listing import sweep_line
from bench.cli.render.sweep_list import markdown, rows
from bench.sweep import load
from tests.shared.architecture import ROOT

PAGE = ROOT / "docs" / "reproducing.md"
_BEGIN, _END = "<!-- generated -->\n", "<!-- end -->\n"


def written() -> str:
    """The page with its table as it should be."""
    loaded = [load(file) for file in sorted((ROOT / "sweeps").glob("*.yaml"))]
    made = rows([sweep_line(sweep, {}) for sweep in loaded], {sweep.name: sweep.trials for sweep in loaded})
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{markdown(made)}{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
