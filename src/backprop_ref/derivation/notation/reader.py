"""One row of a document to trees: its formulas apart, each a chain of sides; what is not understood says so and where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import accumulate, zip_longest
from typing import Any, Literal

from ...errors import ExtraMissing
from . import changes, conditions, costs
from .blocks import names_examples, written_out
from .conditions import Conditions
from .dialects import Dialect
from .places import placed
from .rowwide import CLOSE, OPEN, Row
from .signs import CONNECTIVES, PARAMETERS
from .tokens import Token, Unreadable, tokens
from .tree import (
    Add,
    Chain,
    Negative,
    Node,
    Quantity,
    Relation,
    Variable,
    children,
)

CONDITIONS = {*"ijkmnpqrstlLN", "ell", *PARAMETERS}  # letters of layers, indices and numbers

SIZES = ("OTHER", "UNDER", "LC", "RC")  # of 1 < j < n_l
NUMBERED = r"[(\[]\s*[A-Za-z]*[\d.]*[a-z]?'*\s*(?:[-,]\s*[A-Za-z]*[\d.]+[a-z]?\s*)*[)\]]"
LABEL = re.compile(rf"{NUMBERED}(?:\s*[-,]\s*{NUMBERED})*")  # (1), (BP1), (2.3a), (1, 2), (BP1)-(BP4)


@dataclass(frozen=True)
class Part:
    """One formula of a row: text[start:end].

    chain: its sides, or None with the problem and the place of it in the text. continues: it begins with a relation, and its
    chain with the side behind it. words: what is said around it. A condition (l = L-1, ..., 2) is a chain of one side; one that
    belongs to a formula of its row stands in that one's conditions. unequal: pairs of indices that differ in it.
    """

    start: int
    end: int
    chain: Chain | None
    continues: bool = False
    problem: str | None = None
    at: int | None = None
    words: str = ""
    conditions: Conditions = ()
    unequal: tuple[tuple[str, str], ...] = ()

    @property
    def conclusive(self) -> bool:
        """Whether it is read and claims something."""
        return self.chain is not None and bool(self.chain.relations)


def read(text: str, syntax: Literal["latex", "plain"], dialect: Dialect) -> tuple[Part, ...]:
    """The formulas of a row. Nothing is dropped: what is not understood is a part with a problem."""
    try:
        found = tokens(text, syntax, dialect.words())
    except Unreadable as e:
        return (Part(0, len(text), None, text.lstrip().startswith(("=", "≈", "≡", ":=", "\\approx", "\\equiv")), str(e), e.at),)
    return tuple(_Row(found, text, syntax, dialect).parts())


class _Row:
    """The tokens of a row, and what they say together."""

    def __init__(self, found: Sequence[Token], text: str, syntax: str, dialect: Dialect) -> None:
        self.found, self.text, self.dialect = found, text, dialect
        self.row = Row.of(found, dialect, plain=syntax == "plain")

    def parts(self) -> Iterator[Part]:
        pieces, words = self.pieces()
        given, said = conditions.in_row(pieces, words, self.dialect)
        found: list[Part] = []
        for n, piece in enumerate(pieces):
            if n in said:
                continue
            if (found or words[n]) and not _related(piece) and self.remark(piece, words[n]):
                if found:
                    remark = self.text[piece[0].start : piece[-1].end]
                    found[-1] = replace(found[-1], words=f"{found[-1].words} {words[n]} {remark}".strip())
                continue
            yield from found
            if wrong := self.unknown_word(piece) or self.apart(piece, found):
                found = [wrong]
                continue
            parts = self.read_piece(piece)
            found = [replace(p, words=f"{words[n]} {p.words}".strip(), conditions=given.get(n, ())) for p in parts]
        yield from found

    def unknown_word(self, piece: Sequence[Token]) -> Part | None:
        """Cost = ..., where Cost is a word: not a row that goes on with the one above."""
        n = next(n for n, t in enumerate(self.found) if t is piece[0])
        word = self.found[n - 1].value if n else ""
        if piece[0].type != "RELATION" or not word.isalpha() or len(word) < 2 or word.lower() in CONNECTIVES:
            return None
        start = self.found[n - 1].start
        return Part(start, piece[-1].end, None, False, f"{word} is a word here, and no letter of this notation", start)

    def apart(self, piece: Sequence[Token], found: Sequence[Part]) -> Part | None:
        """... (1 - a^l_j) behind a wide blank: a factor, or a remark?"""
        if not found or not found[-1].conclusive or _related(piece) or any(t.type == "OTHER" for t in piece):
            return None
        start, end = piece[0].start, piece[-1].end
        said = "this stands apart from the formula before it; close the gap if it is a part of that one, or put words before it"
        return Part(start, end, None, False, said, start)

    def remark(self, piece: Sequence[Token], words: str) -> bool:
        """What follows a formula and is none: what stands behind words, (l = 2, ..., L), (BP2), a number, dots."""
        if words or _open_ended(piece[0], "MINUS"):
            return not _open_ended(piece[0], "MINUS")
        quantities = {t.value for t in piece if t.type == "LETTER"} & {*self.dialect.roles(), *PARAMETERS}
        if piece[0].type in ("LP", "LB") and piece[-1].type in ("RP", "RB"):
            said = any(t.type in ("INNER", "OTHER", "TEXT") for t in piece)
            return said or not quantities or bool(LABEL.fullmatch(self.text, piece[0].start, piece[-1].end))
        return not quantities and all(t.type in ("NUMBER", "LETTER", "DOTS", "PLUS", "MINUS", *SIZES) for t in piece)

    def pieces(self) -> tuple[list[list[Token]], list[str]]:
        """What stands between commas, wide blanks and words; and the words before each."""
        pieces: list[list[Token]] = [[]]
        words = [""]
        for t, after in zip_longest(self.found, self.found[1:]):
            if t.type != "SPLIT":
                pieces[-1].append(t)
                continue
            before = pieces[-1][-1] if pieces[-1] else None
            if t.value.startswith("\\q") and (_open_ended(before, "MINUS") or (before and _open_ended(after))):
                continue
            if pieces[-1]:
                pieces.append([])
                words.append("")
            if t.value.strip(",;") and not t.value.startswith("\\q"):
                words[-1] = f"{words[-1]} {t.value}".strip()
        kept = list[tuple[list[Token], str]]()
        for piece, said in zip(pieces, words, strict=True):
            if kept and not said and piece and not _related(piece) and _open_ended(piece[0], "MINUS"):
                kept[-1][0].extend(piece)  # ..., + 1
            elif piece:
                kept.append((piece, said))
        return [piece for piece, _ in kept], [said for _, said in kept]

    def read_piece(self, piece: Sequence[Token]) -> Iterator[Part]:
        """A formula; several, if it says something of each entry of a column."""
        start, end, continues = piece[0].start, piece[-1].end, piece[0].type == "RELATION"
        try:
            formulas = [piece[:1]] if names_examples(piece, self.text, self.dialect) else written_out(piece, self.text)
            if any(t.type == "BLOCK" for t in piece):
                self.row = Row.of([t for formula in (self.found, *formulas) for t in formula], self.dialect, plain=self.row.plain)
            for n, formula in enumerate(formulas):
                chain, continues = self.chain(formula)
                yield Part(start, end, chain, continues, words=f"entry {n + 1}" if len(formulas) > 1 else "")
        except Unreadable as e:
            yield Part(start, end, None, continues, str(e), e.at)
        except RecursionError:
            yield Part(start, end, None, continues, "the formula is nested too deep", start)

    def chain(self, piece: Sequence[Token]) -> tuple[Chain, bool]:
        level = accumulate((t.type in OPEN) - (t.type in CLOSE) for t in piece)
        if strange := next((t for t, within in zip(piece, level, strict=True) if t.type == "OTHER" and not within), None):
            raise Unreadable(f"{strange.value}: only equations are judged, no inequality and no membership", strange.start)
        sides, signs = _sides(piece)
        continues = not sides[0]
        if continues:
            sides = sides[1:]
        if not all(sides):
            at = next((t.end for t in piece if t.type == "RELATION"), piece[-1].end)
            raise Unreadable("nothing stands on one side of a relation", at)
        if not continues and signs and self.condition(sides[0], signs):
            return Chain((Variable(sides[0][0].value, span=(piece[0].start, piece[-1].end)),), ()), False
        return self.related(self.read(sides, signs), signs, piece), continues

    def read(self, sides: Sequence[Sequence[Token]], signs: list[str]) -> list[Node]:
        """The sides; an equation with O(epsilon) is one to first order."""
        from .meaning import Meaning

        meaning = Meaning(self.dialect, self.row, parse)
        nodes = []
        for n, side in enumerate(sides):
            meaning.rest = False
            nodes.append(meaning.whole(side))
            if meaning.rest and len(signs) >= len(sides) - n:
                signs[len(signs) - len(sides) + n] = "≈"
        if meaning.moved_at is not None and set(signs) != {"≈"}:
            raise Unreadable("the cost of moved parameters is this to first order only; write \\approx", meaning.moved_at)
        nodes = changes.resolved(nodes) if signs else [changes.mentioned(node) for node in nodes]
        nodes = nodes if self.dialect.loss else costs.told_apart(nodes, single=self.dialect.examples == "one")
        return [placed(node, (side[0].start, side[-1].end)) for node, side in zip(nodes, sides, strict=True)]

    def related(self, nodes: list[Node], signs: list[str], piece: Sequence[Token]) -> Chain:
        """The relations; an arrow to the right, or := , from a weight or a bias is an assignment; -= adds its left side."""
        parameter = _parameter(nodes[0])
        made: list[Relation] = []
        for n, sign in enumerate(signs):
            if sign in ("-=", "+="):
                if len(nodes) == len(signs):
                    raise Unreadable(f"{sign} has nothing before it", piece[0].start)
                step = nodes[n + 1] if sign == "+=" else Negative(nodes[n + 1], span=nodes[n + 1].span)
                nodes[n + 1] = Add((nodes[n], step), span=nodes[n + 1].span)
                made.append("<-")
            elif sign == "->" or (sign == ":=" and parameter):
                if not parameter:
                    raise Unreadable("an arrow from what is no weight and no bias; a limit is not judged", piece[0].start)
                made.append("<-")
            else:
                made.append(sign)  # type: ignore[arg-type]  # = ≈ := <-
        return Chain(tuple(nodes), tuple(made))

    def condition(self, left: Sequence[Token], signs: Sequence[str]) -> bool:
        """l = L-1, ..., 2; k = j; epsilon -> 0: says when, and claims nothing."""
        if len(left) != 1 or left[0].type != "LETTER":
            return False
        letter = left[0].value
        known = self.dialect.roles().get(letter)
        return (known is None and letter in CONDITIONS) or (signs[0] == "->" and known in ("z", "a", "x"))


def _related(piece: Sequence[Token]) -> bool:
    return any(t.type == "RELATION" for t in piece)


def _open_ended(t: Token | None, *more: str) -> bool:
    """Whether a formula does not end or begin there: at a relation, a plus, a sign of a product."""
    return t is not None and t.type in ("RELATION", "PLUS", "HAD", "OTIMES", "DOT", "TIMES", "AT", "SLASH", *more)


def _sides(piece: Sequence[Token]) -> tuple[list[list[Token]], list[str]]:
    sides: list[list[Token]] = [[]]
    signs = []
    for t in piece:
        if t.type == "RELATION":
            sides.append([])
            signs.append(t.value)
        else:
            sides[-1].append(t)
    return sides, signs


def _parameter(node: Node) -> bool:
    return any(isinstance(n, Quantity) and n.letter in "wb" for n in (node, *children(node)))


def parse(found: Sequence[Token]) -> Any:
    """The grammar's tree of one side. Raises Unreadable at the token that does not fit."""
    from lark.exceptions import UnexpectedInput, UnexpectedToken

    try:
        return _parser().parse(list(found))
    except UnexpectedToken as e:
        at = e.token.start_pos if e.token.type != "$END" else found[-1].end if found else 0
        said = "the formula ends too early" if e.token.type == "$END" else f"{e.token} does not fit here"
        raise Unreadable(said, at or 0) from None
    except UnexpectedInput:
        raise Unreadable("this does not read as a formula", found[0].start if found else 0) from None


@cache
def _parser() -> Any:
    try:
        from lark import Lark
        from lark import Token as Terminal
        from lark.lexer import Lexer
    except ImportError:
        raise ExtraMissing("Reading a derivation", "lark", "derivation") from None

    class Tokens(Lexer):
        """The tokens are there already."""

        def __init__(self, lexer_conf: Any) -> None:
            pass

        def lex(self, data: Any) -> Iterator[Any]:  # type: ignore[override]
            for t in data:
                yield Terminal(t.type, t.value, start_pos=t.start, end_pos=t.end)

    grammar = files(__package__).joinpath("formula.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer=Tokens, start="expr")
