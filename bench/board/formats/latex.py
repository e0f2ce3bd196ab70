"""A page as LaTeX: one booktabs `table` per grid, or `longtable` if it is longer than a page.

It is meant for `\\input` in a document that loads these packages; pdflatex takes it, because only ASCII is written. A
`table` that is wider than the text is made smaller.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from bench.board.page.page import Page
from bench.board.page.table import Grid, TableCell, TableRow, Title

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "[": "{[}", "]": "{]}", "*": "{*}",  # After the end of a line these would belong to it.
    "|": r"\textbar{}", "±": r"$\pm$", "ρ": r"$\rho$", "η": r"$\eta$", "ε": r"$\epsilon$", "γ": r"$\gamma$",
    "β": r"$\beta$", "α": r"$\alpha$", "δ": r"$\delta$", "ℓ": r"$\ell$", "₂": r"$_2$", "∞": r"$_\infty$",
    "†": r"$\dagger$",
    "–": "--", "—": "---", "−": "$-$", "·": r"$\cdot$", "×": r"$\times$", "…": r"\ldots{}", "≤": r"$\leq$",
    "≥": r"$\geq$", "’": "'", "“": "``", "”": "''", "→": r"$\to$", "Δ": r"$\Delta$", "‡": r"$\ddagger$",
    "≠": r"$\neq$", "ß": r"\ss{}", "\u00a0": "~",
}  # fmt: skip

_ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u0327": "c", "\u030c": "v"}

_PAGE = 48
"""Lines that fit on a page."""
_NARROW = 4
"""Columns that fit beside the labels in an ordinary size."""


def latex(page: Page) -> str:
    """What the tables answer, the tables, and the notes below the last."""
    tables = [_long_table(grid) if _height(grid) > _PAGE else _table(grid) for grid in page.grids]
    parts = [_paragraphs(page.lead), *tables, rf"{{\footnotesize {_paragraphs(page.notes)}}}"]
    return "\n".join([r"% needs \usepackage{booktabs,graphicx,longtable}", *parts, ""])


def _paragraphs(lines: Sequence[str]) -> str:
    told = "".join(rf"{escaped(line)}\par" + "\n" for line in lines)
    return rf"{{\raggedright\setlength{{\parindent}}{{0pt}}{told}}}"


def escaped(text: str) -> str:
    """The text as LaTeX in ASCII; a character without a way to write it becomes its code point."""
    return "".join(_SPECIAL.get(character) or _written(character) for character in text)


def _written(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() else " "
    base, *marks = list(unicodedata.normalize("NFD", character))
    if base.isascii() and len(marks) == 1 and marks[0] in _ACCENTS:
        return f"\\{_ACCENTS[marks[0]]}{{{base}}}"
    return f"[U+{ord(character):04X}]"


def _table(grid: Grid) -> str:
    lines = [r"\begin{table}[htbp]", r"\centering", rf"\caption{{{_caption(grid)}}}", _size(grid), r"\sbox0{%"]
    lines += [rf"\begin{{tabular}}{{{_columns(grid)}}}", r"\toprule", *_titles(grid), r"\midrule", *_body(grid)]
    lines += [r"\bottomrule", r"\end{tabular}}%"]
    fitted = r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi"
    return "\n".join([*lines, fitted, r"\end{table}", ""])


def _caption(grid: Grid) -> str:
    """LaTeX numbers tables itself: `Table 11: VGGs` becomes `VGGs (the paper's Table 11)`."""
    numbered = re.fullmatch(r"(Table \d+): (.*)", grid.caption)
    return escaped(f"{numbered[2]} (the paper’s {numbered[1]})" if numbered else grid.caption)


def _long_table(grid: Grid) -> str:
    """Its titles stand on every page."""
    lines = [r"\begingroup", _size(grid), rf"\begin{{longtable}}{{{_columns(grid)}}}"]
    lines += [rf"\caption{{{_caption(grid)}}}\\", r"\toprule", *_titles(grid), r"\midrule", r"\endhead"]
    return "\n".join([*lines, *_body(grid), r"\bottomrule", r"\end{longtable}", r"\endgroup", ""])


def _columns(grid: Grid) -> str:
    return "l" + "c" * grid.width


def _size(grid: Grid) -> str:
    return r"\small" if grid.width <= _NARROW else r"\scriptsize\setlength{\tabcolsep}{3pt}"


def _height(grid: Grid) -> int:
    return sum(len(_lines(line)) for block in grid.blocks for line in block.lines)


def _body(grid: Grid) -> list[str]:
    lines = []
    for index, block in enumerate(grid.blocks):
        if index:
            lines.append(r"\midrule")
        if block.heading:
            lines.append(rf"\multicolumn{{{grid.width + 1}}}{{l}}{{\emph{{{escaped(block.heading)}}}}} \\*")
        for line in block.lines:
            lines += _lines(line)
            if any(entry.details for entry in line.entries):
                # Details belong to what is above them.
                lines.append(r"\addlinespace[2pt]")
    return lines


def _titles(grid: Grid) -> list[str]:
    lines = []
    for level, titles in enumerate(grid.titles):
        last = level == len(grid.titles) - 1
        lines.append(
            " & ".join([escaped(grid.corner) if last else "", *(_spanned(title) for title in titles)]) + r" \\"
        )
        if not last:
            lines.append("".join(_rules(titles)))
    return lines


def _spanned(title: Title) -> str:
    text = escaped(title.text)
    return rf"\multicolumn{{{title.span}}}{{c}}{{{text}}}" if title.span > 1 else text


def _rules(titles: tuple[Title, ...]) -> list[str]:
    """A rule below each title that goes over several columns."""
    rules, column = [], 2
    for title in titles:
        rules.append(rf"\cmidrule(lr){{{column}-{column + title.span - 1}}}")
        column += title.span
    return rules


def _lines(line: TableRow) -> list[str]:
    """The line, then one for each line of details below its entries."""
    depth = max((len(entry.details) for entry in line.entries), default=0)
    rows = [[escaped(line.label), *(_over(entry, _value(entry)) for entry in line.entries)]]
    for index in range(depth):
        texts = [escaped(entry.details[index]) if index < len(entry.details) else "" for entry in line.entries]
        small = [rf"{{\scriptsize {text}}}" if text else "" for text in texts]
        rows.append(["", *(_over(entry, text) for entry, text in zip(line.entries, small, strict=True))])
    # The star keeps a page from ending between an entry and its details.
    return [" & ".join(row) + (r" \\" if row is rows[-1] else r" \\*") for row in rows]


def _over(entry: TableCell, text: str) -> str:
    return rf"\multicolumn{{{entry.span}}}{{c}}{{{text}}}" if entry.span > 1 else text


def _value(entry: TableCell) -> str:
    value = escaped(entry.text)
    if entry.bold:
        # \boldmath reaches the ± too.
        value = rf"\textbf{{\boldmath {value}}}"
    if entry.underline:
        value = rf"\underline{{{value}}}"
    return value + (rf"\textsuperscript{{{escaped(entry.marks)}}}" if entry.marks else "")
