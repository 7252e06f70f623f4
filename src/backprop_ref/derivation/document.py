"""A whole document in order: its formulas read, their claims judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

from ..errors import ExtraMissing
from . import rows, switches
from .claims import SIGNS, Claims
from .given import Given
from .judge import Witnesses
from .notation import write
from .notation.dialects import Dialect
from .notation.reader import Part
from .notation.sources import Source, find
from .notation.tree import Chain, Variable
from .report import DerivationReport, Formula

Form: TypeAlias = Literal["md", "tex", "ipynb", "plain"]
Progress: TypeAlias = Callable[[int, int], None]


def verify(
    text: str,
    form: Form = "md",
    notation: str | Mapping[str, object] | None = None,
    *,
    given: Given | None = None,
    target: str = "document",
    strict: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
    witnesses: Witnesses | None = None,
) -> DerivationReport:
    """Every formula of a document, judged in order.

    notation: a preset (nielsen, ng, rows, bishop) or settings; else the document's front matter, else the chapter's.
    given: what is taken of sigma, the cost and the layers, until the document defines it. strict: what only holds
    numerically is not enough. progress: called with (formulas done, of how many).
    Raises the package's errors for a text that cannot be read at all.
    """
    start, sources = time.perf_counter(), find(text, form)
    front: Mapping[str, Any] = sources.front_matter or {}
    dialect = Dialect.from_settings(notation if notation is not None else front.get("notation", {}))
    given = given or switches.given(front.get("given", {}))
    claims = Claims(witnesses or both(seed), given, without_biases=dialect.name == "bishop")
    formulas = list[Formula]()
    read, last = rows.from_the_last(list(rows.read_rows(sources.formulas, dialect)), dialect)
    for done, (source, parts) in enumerate(read, start=1):
        formulas += row(source, parts, claims)
        if progress:
            progress(done, len(sources.formulas))
    seconds = time.perf_counter() - start
    return DerivationReport(
        target,
        (*dialect.echo(), *last),
        tuple(formulas),
        (*switches.echo(given), *claims.said),
        sources.delimiters,
        sources.mentions,
        sources.other,
        strict,
        seed,
        seconds,
    )


def both(seed: int) -> Witnesses:
    """The prover, and the numbers with that seed. Raises ExtraMissing without mpmath."""
    from .numbers.epsilon import mp
    from .numeric import judge
    from .prover import prove
    from .quick import quick

    try:
        mp()
    except ImportError as error:
        raise ExtraMissing("Judging a derivation", "mpmath", "derivation") from error
    return Witnesses(prove, partial(judge, seed=seed), partial(quick, seed=seed))


def row(source: Source, parts: Iterable[Part], claims: Claims) -> Iterator[Formula]:
    """The formulas of one row of a display, or of one inline formula; that one does not break the chain of the displays."""
    open_chain = claims.head
    claims.enter(source.display, source.before)
    for part in parts:
        yield formula(source, part, claims)
    if source.inline:
        claims.head = open_chain


def formula(source: Source, part: Part, claims: Claims) -> Formula:
    """One formula, judged; the chain that it opens or continues stays open."""
    line, column = source.places[min(part.start, len(source.places) - 1)]
    written = source.text[part.start : part.end]
    if part.chain is None:
        claims.unread(part.continues)
        return Formula(line, column, written, "", (), part.problem or "", part.at, source.cell)
    sides = list(part.chain.sides)
    if not part.continues and not isinstance(sides[0], Variable):  # a condition: l = L-1, ..., 2
        claims.begin(sides[0], line)
    relations = zip(part.chain.relations, sides[not part.continues :], strict=True)
    links = tuple(claims.link(relation, right, line, source.before, part.unequal) for relation, right in relations)
    return Formula(line, column, written, latex(part.chain, part.continues), links, cell=source.cell)


def latex(chain: Chain, continues: bool) -> str:
    """The formula as it was read."""
    first, *rest = [write.latex(side) for side in chain.sides]
    signs = [SIGNS[relation] for relation in chain.relations]
    said = [f"{signs.pop(0)} {first}" if continues else first]
    return " ".join([*said, *(f"{sign} {side}" for sign, side in zip(signs, rest, strict=True))])
