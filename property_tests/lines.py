"""The true lines of tests/notes/lines_true.txt as links, and single edits and rewritings of a syntax tree."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

from backprop_ref.derivation.definitions import of_one_example
from backprop_ref.derivation.given import Given
from backprop_ref.derivation.notation.dialects import Dialect
from backprop_ref.derivation.notation.fold import fold
from backprop_ref.derivation.notation.reader import read
from backprop_ref.derivation.notation.sources import find
from backprop_ref.derivation.notation.tree import (
    Add,
    Apply,
    Layer,
    Negative,
    Node,
    Number,
    Partial,
    Product,
    Quantity,
    Quotient,
    Sum,
    Transpose,
    children,
    descendants,
    with_children,
)

NOTES = Path(__file__).parents[1] / "tests" / "notes"
TWO, HALF = Number(Fraction(2)), Number(Fraction(1, 2))


@dataclass(frozen=True)
class Link:
    """left = right, as it stands in the file."""

    source: str
    left: Node
    right: Node
    given: Given


@cache
def links(file: str = "lines_true.txt") -> tuple[Link, ...]:
    """Every link of the file that is an equation."""
    found, section = list[Link](), ""
    for line in (NOTES / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            section = line
        source = line.split("  ##")[0].strip()
        if not source or line.startswith("# "):
            continue
        latex = "\\" in source or ("_{" in source and not set(source) & set("∂δσΣ"))
        for row in find(f"$${source}$$" if latex else source, "md" if latex else "plain").formulas:
            for part in read(row.text, row.syntax, Dialect()):
                if part.chain is None or set(part.chain.relations) & {"<-", "≈"}:
                    continue
                quadratic = any(
                    word in section + source for word in ("quadratic", "cost", "(30)", "30 ", "a^L - y", "a^L_j - y_j")
                )
                given = Given(cost="quadratic") if quadratic else Given()
                found += [Link(source, *of_one_example(a, b), given) for a, b in pairwise(part.chain.sides)]
    return tuple(found)


# ------------------------------------------------------------------------------------------------------- single edits


def edits(node: Node) -> Iterator[tuple[str, Node]]:
    """Every tree that one slip of the pen makes of it, with the kind of slip."""
    for path, piece in _places(node, ()):
        for kind, new in _slips(piece):
            if new != piece:
                yield kind, _at(node, path, new)


def _places(node: Node, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Node]]:
    yield path, node
    for i, child in enumerate(children(node)):
        yield from _places(child, (*path, i))


def _at(node: Node, path: tuple[int, ...], new: Node) -> Node:
    if not path:
        return new
    below = list(children(node))
    below[path[0]] = _at(below[path[0]], path[1:], new)
    return with_children(node, iter(below))


def _slips(piece: Node) -> Iterator[tuple[str, Node]]:
    match piece:
        case Quantity(letter, layer, indices, _):
            if layer is not None:
                yield from (("layer", replace(piece, layer=layer + step)) for step in (1, -1))
                if layer.base in ("l", "L"):
                    yield "layer", replace(piece, layer=Layer("L" if layer.base == "l" else "l", layer.offset))
            if len(indices) == 2:
                yield "index", replace(piece, indices=indices[::-1])
            if len(indices) == 1 and letter != "y":
                yield "index", replace(piece, indices=("k" if indices[0] != "k" else "j",))
            if letter in "za":
                yield "letter", replace(piece, letter="a" if letter == "z" else "z")
        case Apply(function="sigma", order=n):
            yield "sigma", replace(piece, order=1 - n if n < 2 else 1)
        case Product(factors, kind):
            if len(factors) > 1:
                yield from (("dropped", _product(factors[:i] + factors[i + 1 :], kind)) for i in range(len(factors)))
            yield "product", replace(piece, kind="hadamard" if kind != "hadamard" else "plain")
        case Add(terms):
            yield from (("dropped", _sum(terms[:i] + terms[i + 1 :])) for i in range(len(terms)))
            for i, t in enumerate(terms):
                turned = t.body if isinstance(t, Negative) else Negative(t)
                yield "sign", Add((*terms[:i], turned, *terms[i + 1 :]))
        case Sum(body=body):
            yield "sum", body
        case Transpose(body):
            yield "transpose", body
        case Partial(of, by) if isinstance(of, Quantity):
            yield "upside down", Partial(by, of)
    if isinstance(piece, Quantity) and piece.letter == "w" and not piece.indices:
        yield "transpose", Transpose(piece)
    if isinstance(piece, Product | Quotient | Sum | Partial):
        yield "factor", Product((TWO, piece))
        yield "factor", Product((HALF, piece))
        yield "sign", Negative(piece)
        yield "sum", Sum("k", piece)


def _product(factors: tuple[Node, ...], kind: str) -> Node:
    return factors[0] if len(factors) == 1 else Product(factors, kind)  # type: ignore[arg-type]


def _sum(terms: tuple[Node, ...]) -> Node:
    return terms[0] if len(terms) == 1 else Add(terms)


# ------------------------------------------------------------------------------------- rewritings that keep the meaning


def rewritten(link: Link, draw: random.Random) -> Link:
    """The same statement in other words."""
    left, right = link.left, link.right
    for _ in range(draw.randint(1, 3)):
        left, right = draw.choice(REWRITINGS)(left, draw), draw.choice(REWRITINGS)(right, draw)
    if draw.random() < 0.4:
        left, right = right, left
    if draw.random() < 0.2:
        more = Product((Number(Fraction(draw.randint(2, 5))), Quantity("b", Layer("", 2), (1,))))
        if not (_is_array(left) or _is_array(right)):
            left, right = Add((left, more)), Add((more, right))
    return replace(link, left=left, right=right)


def _is_array(node: Node) -> bool:
    return any(isinstance(n, Quantity) and not n.indices and n.letter not in "CJ" for n in descendants(node))


def _commuted(node: Node, draw: random.Random) -> Node:
    """Numbers multiplied, and terms added, in another order."""

    def moved(n: Node, new: list[Node]) -> Node:
        n = with_children(n, iter(new))
        if isinstance(n, Add):
            return Add(tuple(draw.sample(n.terms, len(n.terms))))
        if isinstance(n, Product) and (n.kind == "hadamard" or not any(map(_is_array, n.factors))):
            return replace(n, factors=tuple(draw.sample(n.factors, len(n.factors))))
        return n

    return fold(node, children, moved)


def _renamed(node: Node, draw: random.Random) -> Node:
    """Another name for every summed index."""
    bound = {n.index for n in descendants(node) if isinstance(n, Sum)}
    used = {i for n in descendants(node) if isinstance(n, Quantity) for i in (*n.indices, n.example)}
    names = {i: f"{i}{draw.randint(1, 9)}" for i in bound}
    if set(names.values()) & used:
        return node

    def moved(n: Node, new: list[Node]) -> Node:
        n = with_children(n, iter(new))
        if isinstance(n, Quantity):
            at = names.get(str(n.example), n.example) if n.example is not None else None
            return replace(n, indices=tuple(names.get(str(i), i) for i in n.indices), example=at)
        return replace(n, index=names[n.index]) if isinstance(n, Sum) else n

    return fold(node, children, moved)


def _doubled(node: Node, draw: random.Random) -> Node:
    """x as x/2 + x/2, or as 2 x - x."""
    if draw.random() < 0.5:
        return Add((Product((HALF, node)), Quotient(node, TWO)))
    return Add((Product((TWO, node)), Negative(node)))


def _negated(node: Node, draw: random.Random) -> Node:
    return Negative(Negative(node))


def _distributed(node: Node, draw: random.Random) -> Node:
    """A sum of products for a product of sums."""

    def moved(n: Node, new: list[Node]) -> Node:
        n = with_children(n, iter(new))
        if isinstance(n, Product) and n.kind != "dot" and len(n.factors) == 2:
            a, b = n.factors
            if isinstance(b, Add):
                return Add(tuple(Product((a, t), n.kind) for t in b.terms))
            if isinstance(a, Add):
                return Add(tuple(Product((t, b), n.kind) for t in a.terms))
        return n

    return fold(node, children, moved)


REWRITINGS: tuple[Callable[[Node, random.Random], Node], ...] = (_commuted, _renamed, _doubled, _negated, _distributed)
