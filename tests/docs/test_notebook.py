"""The example notebook runs from its first cell to its last, and shows what a notebook shows."""

from __future__ import annotations

import ast
import json
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

import bench
from bench.errors import UserError
from tests.shared.architecture import ROOT

pytestmark = pytest.mark.slow
NOTEBOOK = ROOT / "docs" / "examples" / "results.ipynb"


def run(source: str, names: dict[str, Any]) -> Any:
    """The value of a cell's last expression, as a notebook would show it."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, str(NOTEBOOK), "exec"), names)
    return eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names) if last else None


def test_every_cell_runs(folder: Path) -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    with chdir(folder):
        shown = [run("".join(cell["source"]), names) for cell in cells if cell["cell_type"] == "code"]
    counted, rows, board, record, figure = shown[1:]
    assert counted[0] >= len(rows) > 3
    assert "<table" in board._repr_html_()
    assert "| variant" in str(board) or "| sam" in str(board)
    assert 0 < record["mean"] <= 100
    assert isinstance(figure, Figure)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        bench.open(tmp_path / "nothing")
    with pytest.raises(UserError):
        bench.open()
    with pytest.raises(AttributeError):
        bench.close()
