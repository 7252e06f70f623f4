"""Small changes, Delta z^l_j or dz^l_j: to first order, each is the slope of its quantity in the one that is changed first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from .dots import NAMES
from .fold import fold
from .pieces import Change, free_indices, product
from .tokens import Unreadable
from .tree import Layer, Node, Number, Partial, Product, Quantity, Sum, Variable, children, descendants, with_children

ONE = Number(Fraction(1))
BASES = ("", "l", "L")
LETTERS = {"w": 0, "b": 0, "z": 1, "a": 2}


def mentioned(side: Node) -> Node:
    """A side that claims nothing, with a name for each change."""
    return fold(side, children, lambda node, new: _name(node) if isinstance(node, Change) else with_children(node, iter(new)))


def _name(node: Change) -> Variable:
    return Variable(f"Delta {getattr(node.of, 'letter', None) or getattr(node.of, 'name', 'w')}", span=node.span)


def resolved(sides: Sequence[Node]) -> list[Node]:
    """The sides with slopes for changes. Raises Unreadable where they do not say what is changed first."""
    found = [n for side in sides for n in descendants(side) if isinstance(n, Change)]
    if not found:
        return list(sides)
    first = found[0].span[0]
    if not all(any(isinstance(n, Change) for n in descendants(side)) for side in sides):
        raise Unreadable(
            "a small change stands on one side only; for derivatives dW, declare a notation that has them (ng)", first
        )
    moved = [n.of for n in found]
    if not all(isinstance(q, Quantity) and (q.letter in "CJ" or (q.letter in LETTERS and q.indices)) for q in moved):
        raise Unreadable("a small change is read of C, and of one w, b, z or a with its indices", first)
    cause = _cause([q for q in moved if isinstance(q, Quantity) and q.letter not in "CJ"], first)
    bound = {n.index for side in sides for n in descendants(side) if isinstance(n, Sum)}
    used = set[object]().union(*(free_indices(side) for side in sides), bound)
    if bound & set(cause.indices):
        fresh = iter(name for name in NAMES if name not in used)
        cause = replace(cause, indices=tuple(next(fresh) for _ in cause.indices))
    return [fold(side, children, lambda node, new: _slope(node, new, cause)) for side in sides]


def _slope(node: Node, new: list[Node], cause: Quantity) -> Node:
    match node:
        case Change(of):
            return ONE if of == cause else Partial(of, cause, span=node.span)
        case Product(kind=kind):
            kept = [n for old, n in zip(node.factors, new, strict=True) if n is not ONE or not isinstance(old, Change)]
            return product(kept, kind) if kept else ONE
    return with_children(node, iter(new))


def _cause(moved: Sequence[Quantity], at: int) -> Quantity:
    """The one that feeds all others."""
    if not moved:
        raise Unreadable("the change of what makes C change? Write \\Delta z^l_j beside it", at)
    first = min(moved, key=_place)
    if any(q.letter in "wb" and q != first for q in moved):
        raise Unreadable("two things are changed at once; write a line for each", at)
    if {_layer(q).base for q in moved} == {"", "l"}:
        raise Unreadable("which of these layers comes first?", at)
    return first


def _place(q: Quantity) -> tuple[int, int, int]:
    return BASES.index(_layer(q).base), _layer(q).offset, LETTERS[q.letter]


def _layer(q: Quantity) -> Layer:
    assert q.layer is not None
    return q.layer
