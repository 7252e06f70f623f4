r"""Blocks inside a formula: cases with conditions on indices, columns of numbers, and a matrix made of the examples."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .dialects import Dialect
from .tokens import Token, Unreadable, tokens

MATRICES = ("matrix", "pmatrix", "bmatrix", "Bmatrix", "smallmatrix", "array")
ENTRYWISE = {"RELATION", "HAD", "PLUS", "MINUS"}
IN_LIST = {
    "LB",
    "RB",
    "LC",
    "RC",
    "LP",
    "RP",
    "UNDER",
    "CARET",
    "NUMBER",
    "DOTS",
    "RANGE",
    "LETTER",
    "COMMA",
    "SPLIT",
}  # of examples


def written_out(piece: Sequence[Token], text: str) -> list[list[Token]]:
    """The formulas that a piece with blocks stands for: itself without them, or one for each row of its columns."""
    blocks = [t for t in piece if t.type == "BLOCK"]
    if not blocks:
        return [list(piece)]
    if all(t.value in MATRICES for t in blocks):
        return _entries(piece, blocks, text)
    if any(t.value not in ("cases", "dcases", "rcases") for t in blocks):
        strange = next(t for t in blocks if t.value not in ("cases", "dcases", "rcases"))
        raise Unreadable(f"{strange.value} inside a formula is not read", strange.start)
    return [[u for t in piece for u in (_by_cases(t, text) if t.type == "BLOCK" else [t])]]


def _cells(block: Token, text: str) -> list[list[tuple[str, int]]]:
    """The rows of a block, each its cells: (text, where it begins)."""
    begin = text.index("}", block.start) + 1
    inside = text[begin : text.rindex(r"\end", block.start, block.end)]
    if block.value == "array" and (columns := re.match(r"\s*\{[^{}]*\}", inside)):
        begin, inside = begin + columns.end(), inside[columns.end() :]
    found, at = list[list[tuple[str, int]]](), begin
    for row in re.split(r"(\\\\(?:\[[^\]]*\])?)", inside):
        if not row.startswith("\\\\") and row.strip():
            cells, start = [], at
            for cell in row.split("&"):
                cells.append((cell, start))
                start += len(cell) + 1
            found.append(cells)
        at += len(row)
    return found


def _read(cell: tuple[str, int]) -> list[Token]:
    """The tokens of a cell, at their places in the row."""
    text, at = cell
    try:
        return [Token(t.type, t.value, t.start + at, t.end + at) for t in tokens(text, "latex")]
    except Unreadable as e:
        raise Unreadable(str(e), e.at + at) from None


def _bracketed(inside: Sequence[Token], block: Token) -> list[Token]:
    return [Token("LP", "(", block.start, block.start), *inside, Token("RP", ")", block.end, block.end)]


# ----------------------------------------------------------------------------------------------------------------- cases


def _by_cases(block: Token, text: str) -> list[Token]:
    """A if i = j, else B: [i = j] A + (1 - [i = j]) B."""
    rows = _cells(block, text)
    if len(rows) != 2:
        raise Unreadable("cases are read if they are two: i = j, and i \\neq j", block.start)
    branches = [_branch(row, block) for row in rows]
    names = {names for _, names, _ in branches if names}
    equal = [same for _, _, same in branches]
    if len(names) != 1 or sorted(equal) != [False, True]:
        raise Unreadable("cases are read if they are i = j and i \\neq j, or otherwise", block.start)
    i, j = sorted(names.pop())

    def sign(kind: str, value: str) -> Token:
        return Token(kind, value, block.start, block.end)

    same = [sign("LB", "["), sign("LETTER", i), sign("INNER", "="), sign("LETTER", j), sign("RB", "]")]
    other = [sign("LP", "("), sign("NUMBER", "1"), sign("MINUS", "-"), *same, sign("RP", ")")]
    yes, no = (next(value for value, _, said in branches if said is wanted) for wanted in (True, False))
    return _bracketed([*same, *_bracketed(yes, block), sign("PLUS", "+"), *other, *_bracketed(no, block)], block)


def _branch(row: Sequence[tuple[str, int]], block: Token) -> tuple[list[Token], frozenset[str], bool]:
    """(its value, the two indices of its condition, whether they are equal)."""
    if len(row) != 2:
        raise Unreadable("a value and its condition were expected in each row of the cases", row[0][1])
    said = re.sub(r"\\(?:text|mbox|textrm|mathrm)\s*\{([^{}]*)\}|[{}$\s,;.()]|\\(?:quad|qquad|,|;)", r"\1", row[1][0])
    said = re.sub(r"^(?:if|for|when|falls|wenn)|\s", "", said)
    value = [t for t in _read(row[0]) if t.type != "SPLIT"]
    if re.fullmatch(r"otherwise|else|sonst", said):
        return value, frozenset(), False
    condition = re.fullmatch(r"([a-z]'?)(=|\\neq?|≠|\\not=)([a-z]'?)", said)
    if condition is None or condition[1] == condition[3]:
        raise Unreadable("cases are read if they are i = j and i \\neq j, or otherwise", row[1][1])
    return value, frozenset((condition[1], condition[3])), condition[2] == "="


# ---------------------------------------------------------------------------------------------------------------- columns


def _entries(piece: Sequence[Token], blocks: Sequence[Token], text: str) -> list[list[Token]]:
    """One formula for each entry of columns (or matrices) that are joined entry by entry."""
    strange = next((t for t in piece if t.type not in ENTRYWISE and t.type != "BLOCK"), None)
    grids = [_cells(block, text) for block in blocks]
    shape = [len(row) for row in grids[0]]
    if strange is not None or any([len(row) for row in grid] != shape for grid in grids):
        raise Unreadable("a matrix that is written out is read beside others of its shape only, entry by entry", blocks[0].start)
    return [list(_at(piece, grids, r, c)) for r, length in enumerate(shape) for c in range(length)]


def _at(piece: Sequence[Token], grids: Sequence[list[list[tuple[str, int]]]], r: int, c: int) -> Iterator[Token]:
    left = iter(grids)
    for t in piece:
        yield from _bracketed(_read(next(left)[r][c]), t) if t.type == "BLOCK" else [t]


# --------------------------------------------------------------------------------------------------------- all the examples


def names_examples(piece: Sequence[Token], text: str, dialect: Dialect) -> bool:
    """X = [x_1 x_2 ... x_m]: says what a capital letter holds, and claims nothing."""
    if len(piece) < 3 or [t.type for t in piece[:2]] != ["LETTER", "RELATION"] or not piece[0].value.isupper():
        return False
    inside = list(piece[2:])
    if inside[0].type == "BLOCK":
        if len(inside) > 1 or inside[0].value not in MATRICES or len(rows := _cells(inside[0], text)) != 1:
            return False
        inside = [t for cell in rows[0] for t in _read(cell)]
    elif inside[0].type != "LB" or inside[-1].type != "RB":
        return False
    letter = piece[0].value.lower()
    letters = [t.value for t in inside if t.type == "LETTER"]
    others = {t.type for t in inside} - IN_LIST
    found = not others and letters[:1] == [letter] and set(letters) <= {letter, "m", "n", "N"}
    if found and dialect.examples == "rows":
        raise Unreadable("examples are rows in this notation, and stand side by side here", inside[0].start)
    return found
