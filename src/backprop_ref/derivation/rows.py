"""The rows of a display, read together: what a letter means in a row may stand in the row that it continues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..errors import ExtraMissing
from .notation import last
from .notation.dialects import Dialect
from .notation.sources import Source
from .notation.tree import Chain, Node, Variable

try:
    from .notation import conditions
    from .notation.reader import Part, read
except ImportError as error:
    raise ExtraMissing("Reading a derivation", "lark", "derivation") from error


Row = tuple[Source, tuple[Part, ...]]


def read_rows(sources: Sequence[Source], dialect: Dialect) -> Iterator[Row]:
    """Each row with its formulas. A row that begins with a relation is read once more behind the rows that it continues."""
    rows = [(source, _said(source, read(source.text, source.syntax, dialect), dialect)) for source in sources]
    yield from _conditioned(_in_runs(rows, dialect))


def _said(source: Source, parts: tuple[Part, ...], dialect: Dialect) -> tuple[Part, ...]:
    """With the condition that the words around a lone formula say."""
    if len(parts) != 1 or parts[0].conditions:
        return parts
    return (replace(parts[0], conditions=conditions.in_words(source.before, source.after, dialect)),)


def _in_runs(rows: Sequence[Row], dialect: Dialect) -> Iterator[Row]:
    n = 0
    while n < len(rows):
        run = 1
        while n + run < len(rows) and _goes_on(rows[n + run - 1], rows[n + run]):
            run += 1
        yield from _together(rows[n : n + run], dialect) if run > 1 else rows[n : n + 1]
        n += run


def _conditioned(rows: Iterable[Row]) -> Iterator[Row]:
    """What the conditions say put into the formulas.

    What a chain goes on with holds under the condition of the line above, or under its own: it is then held against the last
    side that was said without one.
    """
    above: Node | None = None  # said without a condition, or what the chain begins with
    now: conditions.Conditions = ()
    for source, parts in rows:
        made, before = list[Part](), (above, now)
        for part in parts:
            if part.chain is None or isinstance(part.chain.sides[0], Variable):
                made.append(part)
                above = above if part.continues or part.chain else None
                continue
            sides = part.chain.sides
            if not part.continues:
                above, now = sides[0], ()
            own = conditions.fitting(part.conditions, [above, *sides] if above else sides)
            again = part.continues and above is not None and bool(own) and own != now and any(c.equal for c in (*own, *now))
            whole = (above, *sides) if again and above else sides
            now = own or now
            above = above if now else sides[-1]
            chain = Chain(tuple(conditions.under(now, side) for side in whole), part.chain.relations)
            made.append(replace(part, chain=chain, continues=part.continues and not again, unequal=conditions.unequal(now)))
        above, now = before if source.inline else (above, now)
        yield source, tuple(made)


def from_the_last(rows: Sequence[Row], dialect: Dialect) -> tuple[Sequence[Row], list[str]]:
    """The rows with numbered layers read from L down, and the echo of it, where they say which layer is the last one."""
    texts = (text for source, _ in rows for text in (source.before, source.text))
    said = None if "L" in dialect.roles() else last.said(texts)
    number = last.last_layer(
        (part.chain for _, parts in rows for part in parts if part.chain), said and said + 1 - dialect.first_layer
    )
    if number is None:
        return rows, []
    again = [
        (source, tuple(replace(p, chain=last.from_the_last(p.chain, number)) if p.chain else p for p in parts))
        for source, parts in rows
    ]
    return again, [f"last layer: {number - 1 + dialect.first_layer}, L here"]


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
