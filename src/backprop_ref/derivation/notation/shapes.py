"""The shape of a piece of a formula, as far as its letters say: for signs that mean one product or another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from .fold import fold
from .pieces import Vector
from .tree import (
    ALL,
    EXAMPLES,
    Add,
    Apply,
    Layer,
    Negative,
    Node,
    Norm,
    Number,
    Ones,
    Partial,
    Power,
    Product,
    Quantity,
    Quotient,
    Size,
    Sum,
    Transpose,
    Variable,
    children,
)

ONE = Layer("", 1)  # of a column: it has one; no array of the chapter has the input layer across
Shape: TypeAlias = tuple[Layer, Layer] | tuple[()] | None  # of a matrix or a column, of a number, unknown


def shape(node: Node) -> Shape:
    """Rows and columns; () for a number; None where the letters do not say."""
    return fold(node, children, _shape)


def _shape(node: Node, of: list[Shape]) -> Shape:
    match node:
        case Number() | Variable() | Size() | Norm():
            return ()
        case Quantity():
            return _quantity(node)
        case Ones(layer):
            return (layer, ONE)
        case Transpose():
            return of[0] and (of[0][1], of[0][0])
        case Negative() | Sum():
            return of[0]
        case Apply(function=f):
            return (of[0][0], of[0][0]) if f == "diag" and of[0] else of[0]
        case Power() | Quotient() | Add() | Product(kind="hadamard"):
            return next((s for s in of if s), None if None in of else ())
        case Product():
            return _product([s for s in of if s != ()])
        case Partial(by=Quantity()):
            return of[1] if of[0] == () else None
    return None


def _product(of: list[Shape]) -> Shape:
    known = [s for s in of if s]
    if len(known) < len(of):
        return None
    return (known[0][0], known[-1][1]) if known else ()


def _quantity(q: Quantity) -> Shape:
    if q.letter in ("C", "J") or q.indices:
        return ()
    if q.layer is None:
        return None
    if q.letter == "w":
        return (q.layer, q.layer + -1)
    return (q.layer, EXAMPLES if q.example == ALL else ONE)


def alike(left: Node, right: Node) -> bool:
    """Whether both have the same shape, and no matrix product."""
    vectors = isinstance(left, Vector) and isinstance(right, Vector)
    return vectors or _holds(left, right, lambda a, b: a == b and a[1] != b[0])


def outer(left: Node, right: Node) -> bool:
    """Whether they are columns of two layers."""
    return _holds(left, right, lambda a, b: a[1] == b[1] == ONE and a[0] != b[0])


def _holds(left: Node, right: Node, said: Callable[[tuple[Layer, Layer], tuple[Layer, Layer]], bool]) -> bool:
    a, b = shape(left), shape(right)
    return bool(a and b and said(a, b))
