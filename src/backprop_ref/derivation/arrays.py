"""An array: a shape, and a function from indices to the kernel's tree of that entry.

An axis is the layer it runs over, EXAMPLES, or ONE for the only row of a transposed vector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from .kernel import Index, Layer, Tree
from .ranges import ONE, DoesNotFit, name_of

Shape: TypeAlias = tuple[Layer, ...]
ONE_ROW = ".row"  # the index of the only row; no atom ever bears it


@dataclass(frozen=True)
class Array:
    """A shape, and what stands at each place."""

    shape: Shape
    at: Callable[..., Tree]


def kind_of(shape: Shape) -> str:
    """A shape in words."""
    if not shape:
        return "a number"
    if len(shape) == 1:
        return f"a vector over {name_of(shape[0])}"
    if shape[0] == ONE:
        return f"a row over {name_of(shape[1])}"
    return f"a matrix, {name_of(shape[0])} by {name_of(shape[1])}"


def scalar(tree: Tree) -> Array:
    """A number."""
    return Array((), lambda *_: tree)


def times(a: Array, b: Array) -> Array:
    """A product in which at least one is a number."""
    shape = a.shape or b.shape
    return Array(shape, lambda *i: ("mul", (a.at(*i[: len(a.shape)]), b.at(*i[: len(b.shape)]))))


def entrywise(a: Array, b: Array) -> Array:
    """a ⊙ b."""
    if a.shape and b.shape and a.shape != b.shape:
        raise DoesNotFit(f"⊙ needs equal shapes: {kind_of(a.shape)} against {kind_of(b.shape)}")
    return times(a, b)


def sigma(layer: Layer | None, argument: Tree, order: int) -> Tree:
    """sigma, or a derivative of it, of a tree; the layer of sigma(z^l_j) is known at once."""
    if layer is None and isinstance(argument, tuple) and argument[:1] == ("z",):
        layer = argument[1]
    return ("sigma", layer, argument, order)


def inverted(tree: Tree) -> Tree | None:
    """1 / tree, of numbers and sizes only."""
    match tree:
        case Fraction():
            return 1 / tree if tree else None
        case ("n" | "p", *_):
            return ("inv", tree)
        case ("mul", trees):
            inverses = tuple(inverted(t) for t in trees)
            return None if None in inverses else ("mul", inverses)
    return None


def product(a: Array, b: Array, s: Index, dot: bool) -> Array:
    """a times b, of numbers, matrices and vectors. s: a fresh index; dot: two vectors of one layer have an inner product."""
    if not a.shape or not b.shape:
        return times(a, b)
    if len(a.shape) == len(b.shape) == 1:
        if dot and a.shape == b.shape:
            return inner(a, b, s)
        raise DoesNotFit(
            f"{kind_of(a.shape)} times {kind_of(b.shape)} is not defined. Write ⊙ for the product entry by entry, "
            "or transpose one of them"
        )
    if len(a.shape) == 1:
        if b.shape[0] == ONE:
            return Array((a.shape[0], b.shape[1]), lambda j, k: ("mul", (a.at(j), b.at(ONE_ROW, k))))
        raise DoesNotFit(f"{kind_of(a.shape)} times {kind_of(b.shape)}: a column does not stand before a matrix")
    if a.shape[1] != b.shape[0]:
        raise DoesNotFit(f"{kind_of(a.shape)}, times {kind_of(b.shape)}: {name_of(a.shape[1])} meets {name_of(b.shape[0])}")
    return inner(a, b, s)


def inner(a: Array, b: Array, s: Index) -> Array:
    """The sum over the last axis of a and the first of b."""
    rows, columns = a.shape[:-1], b.shape[1:]

    def at(*i: Index) -> Tree:
        before, after = i[: len(rows)], i[len(rows) :]
        return ("sum", s, b.shape[0], ("mul", (a.at(*before, s), b.at(s, *after))))

    if rows == (ONE,):  # a row times a vector is a number, a row times a matrix a row
        return scalar(at(ONE_ROW)) if not columns else Array((ONE, *columns), at)
    return Array(rows + columns, at)
