"""The board on README.md, as `make demo` made it: `python -m tests.shared.pages.front_page` takes it from the store.

The plot beside it is copied from `out/`. Figures depend on the processor, so nothing compares them.
"""

from __future__ import annotations

import shutil

from bench.board import show_board
from bench.board.formats import markdown
from bench.store import Store
from bench.sweep import load
from tests.shared.architecture import ROOT

PAGE = ROOT / "README.md"
_BEGIN, _END = "<!-- board: generated -->\n", "<!-- board: end -->\n"


def written() -> str:
    """The page with the board of the store in `store/`."""
    page = show_board(Store.open(ROOT / "store"), load(ROOT / "sweeps" / "demo.yaml"), cost=True)
    board = markdown(page).partition("\n\n")[2]
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    return f"{before}{_BEGIN}{board}{_END}{rest.partition(_END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
    shutil.copy(ROOT / "out" / "demo.svg", ROOT / "docs" / "demo.svg")
