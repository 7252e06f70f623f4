"""An entry of a vector or a matrix that is written as a whole: (s ⊙ t)_j, (w a)_j."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from .dots import NAMES
from .pieces import Vector, free_indices, is_array
from .tokens import Unreadable
from .tree import (
    ALL,
    Add,
    Apply,
    Index,
    Negative,
    Node,
    Number,
    Ones,
    Partial,
    Power,
    Product,
    Quantity,
    Quotient,
    Sum,
    Transpose,
    Variable,
)


def entry(node: Node, at: Sequence[Index], place: int) -> Node:
    """The entry of node at one index, or at a row and a column. Raises Unreadable for what has none."""
    try:
        return _entry(node, tuple(at))
    except ValueError:
        raise Unreadable("the entry of this is not read; write it out with indices", place) from None


def _entry(node: Node, at: tuple[Index, ...]) -> Node:
    match node:
        case _ if not is_array(node):
            return node
        case Quantity(letter, _, (), example) if example != ALL and len(at) == (2 if letter == "w" else 1):
            return replace(node, indices=at)
        case Vector(name) if len(at) == 1:
            return Variable(f"{name}_{at[0]}", span=node.span)
        case Ones() if len(at) == 1:
            return Number(Fraction(1), span=node.span)
        case Transpose(body) if len(at) == 2:
            return _entry(body, at[::-1])
        case Add(terms) if all(map(is_array, terms)):
            return replace(node, terms=tuple(_entry(t, at) for t in terms))
        case Product(factors, "hadamard"):
            return Product(tuple(_entry(f, at) for f in factors), span=node.span)
        case Product(factors, "plain"):
            return _of_product(node, factors, at)
        case Negative(body):
            return replace(node, body=_entry(body, at))
        case Power(base, exponent) if not is_array(exponent):
            return replace(node, base=_entry(base, at))
        case Quotient(above, below):
            return replace(node, above=_entry(above, at), below=_entry(below, at))
        case Apply(function=f, argument=argument) if f != "diag":
            return replace(node, argument=_entry(argument, at))
        case Partial(of, Quantity(letter, _, ()) as by) if not is_array(of) and len(at) == (2 if letter == "w" else 1):
            return Partial(of, replace(by, indices=at), span=node.span)
    raise ValueError


def _of_product(node: Node, factors: Sequence[Node], at: tuple[Index, ...]) -> Node:
    """Numbers times one array, or a matrix times a vector: a sum over a fresh index."""
    numbers = [f for f in factors if not is_array(f)]
    arrays = [f for f in factors if is_array(f)]
    if len(arrays) == 1:
        return Product((*numbers, _entry(arrays[0], at)), span=node.span)
    if len(arrays) != 2 or len(at) != 1:
        raise ValueError
    fresh = next(name for name in NAMES if name not in free_indices(node) | set(at))
    body = Product((_entry(arrays[0], (at[0], fresh)), _entry(arrays[1], (fresh,))), span=node.span)
    summed = Sum(fresh, body, span=node.span)
    return Product((*numbers, summed), span=node.span) if numbers else summed
