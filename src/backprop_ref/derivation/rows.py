"""The rows of a display, read together: what a letter means in a row may stand in the row that it continues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..errors import ExtraMissing
from .notation.dialects import Dialect
from .notation.sources import Source
from .notation.tree import Chain

try:
    from .notation.reader import Part, read
except ImportError as error:
    raise ExtraMissing("Reading a derivation", "lark", "derivation") from error


def read_rows(sources: Sequence[Source], dialect: Dialect) -> Iterator[tuple[Source, tuple[Part, ...]]]:
    """Each row with its formulas. A row that begins with a relation is read once more behind the rows that it continues."""
    rows = [(source, read(source.text, source.syntax, dialect)) for source in sources]
    n = 0
    while n < len(rows):
        run = 1
        while n + run < len(rows) and _goes_on(rows[n + run - 1], rows[n + run]):
            run += 1
        yield from _together(rows[n : n + run], dialect) if run > 1 else rows[n : n + 1]
        n += run


Row = tuple[Source, tuple[Part, ...]]


def _goes_on(above: Row, below: Row) -> bool:
    """The row below continues the last formula of the row above; in between nothing else stands."""
    (_, parts), (source, more) = above, below
    whole = [part.chain is not None for part in (*parts[-1:], *more[:1])]
    return len(whole) == 2 and all(whole) and more[0].continues and source.syntax == above[0].syntax


def _together(rows: Sequence[Row], dialect: Dialect) -> Iterator[Row]:
    """The chain that runs through the rows, read as one formula; row by row, if that cannot be read."""
    pieces = [(rows[0][0], rows[0][1][-1]), *((source, parts[0]) for source, parts in rows[1:])]
    text = " ".join(source.text[part.start : part.end] for source, part in pieces)
    found = read(text, rows[0][0].syntax, dialect)
    chains = [part.chain for _, part in pieces if part.chain is not None]
    if any(len(parts) > 1 for _, parts in rows[1:-1]) or len(found) != 1 or found[0].chain is None:
        yield from rows
        return
    whole = found[0].chain
    if len(whole.sides) != sum(len(chain.sides) for chain in chains):
        yield from rows
        return
    sides = list(whole.sides)
    for (source, parts), (_, part), chain in zip(rows, pieces, chains, strict=True):
        mine = tuple(sides.pop(0) for _ in chain.sides)
        again = replace(part, chain=Chain(mine, chain.relations))
        yield source, tuple(again if p is part else p for p in parts)
