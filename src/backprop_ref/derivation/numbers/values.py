"""Values with a shape: a number, or rows of numbers; each operation finds the shape first and then makes the function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from operator import add, mul
from typing import Any, TypeAlias

from ..notation.tree import EXAMPLES, Node
from .network import Run
from .shapes import ANY, SCALAR, Axis, NoValue, Shape, number, shape_in_words

Value: TypeAlias = Callable[[Run], Any]


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of a formula with its shape, how its value is found on a run, and the pieces it is made of."""

    node: Node
    shape: Shape
    value: Value
    parts: tuple[Piece, ...] = ()
    binder: object = None  # of a sum


def count(run: Run, axis: Axis) -> int:
    """The length of an axis on this network."""
    if axis is None:
        return 1
    return len(run.net.x) if axis == EXAMPLES else run.net.sizes[number(axis, run.layers)]


def entries(value: Any) -> list[Any]:
    """All numbers of a value, row by row."""
    return list(chain.from_iterable(value)) if isinstance(value, list) else [value]


def mapped(f: Callable[[Any], Any], piece: Piece) -> Value:
    """f of each entry."""
    value = piece.value
    if piece.shape == SCALAR:
        return lambda run: f(value(run))
    return lambda run: [[f(v) for v in row] for row in value(run)]


def entrywise(f: Callable[[Any, Any], Any], pieces: Sequence[Piece], shape: Shape) -> Value:
    """f over the entries of all pieces from the left; a missing axis is repeated."""
    if shape == SCALAR:
        values = [p.value for p in pieces]
        return lambda run: reduce(f, [value(run) for value in values])

    def whole(run: Run) -> Any:
        filled = [spread(p.value(run), p.shape, shape, run) for p in pieces]
        return [[reduce(f, at) for at in zip(*rows, strict=True)] for rows in zip(*filled, strict=True)]

    return whole


def spread(value: Any, shape: Shape, wanted: Shape, run: Run) -> Any:
    """A value repeated along the axes it lacks; a multiple of the identity becomes a matrix."""
    if shape == wanted:
        return value
    rows, columns = (count(run, axis) for axis in wanted)
    if shape == ANY:
        return [[value if i == j else 0 for j in range(columns)] for i in range(rows)]
    if shape == SCALAR:
        return [[value] * columns for _ in range(rows)]
    if shape[0] is None and wanted[0] is not None:
        value = value * rows
    return [list(row) * columns for row in value] if shape[1] is None and wanted[1] is not None else value


def total(node: Node, pieces: Sequence[Piece]) -> Piece:
    """A sum of terms; a vector is added to each column (a row to each row) of a matrix by examples, a number to each entry."""
    shapes = [p.shape for p in pieces if p.shape not in (SCALAR, ANY)]
    widest = max(shapes, key=lambda s: sum(axis is not None for axis in s), default=SCALAR)
    if ANY in {p.shape for p in pieces}:
        if widest == SCALAR and all(p.shape == ANY for p in pieces):
            values = [p.value for p in pieces]
            return Piece(node, ANY, lambda run: sum(value(run) for value in values), tuple(pieces))
        if widest[0] != widest[1] or widest == SCALAR:
            raise NoValue(f"an identity matrix is added to {shape_in_words(widest)}")
    for shape in shapes:
        missing = [w for w, axis in zip(widest, shape, strict=True) if w != axis]
        kept = all(axis in (w, None) for w, axis in zip(widest, shape, strict=True))
        if not kept or any(axis != EXAMPLES for axis in missing):
            raise NoValue(f"{shape_in_words(shape)} is added to {shape_in_words(widest)}")
    return Piece(node, widest, entrywise(add, pieces, widest), tuple(pieces))


def hadamard(node: Node, pieces: Sequence[Piece], f: Callable[[Any, Any], Any] = mul, word: str = "⊙") -> Piece:
    """The product (or f) entry by entry of numbers and of arrays of one shape."""
    shapes = {p.shape for p in pieces} - {SCALAR}
    if len(shapes) > 1 or (ANY in shapes and f is not mul):
        raise NoValue(f"{word} of {' and '.join(sorted(shape_in_words(s) for s in shapes))}")
    shape = next(iter(shapes), SCALAR)
    return Piece(node, shape, entrywise(f, pieces, SCALAR if shape == ANY else shape), tuple(pieces))


def in_a_row(node: Node, pieces: Sequence[Piece], dot: bool) -> Piece:
    """Juxtaposed factors, or with dots between them, from the left."""
    product = reduce(lambda u, v: _product(node, u, v, dot), pieces)
    return Piece(node, product.shape, product.value, tuple(pieces))


def _product(node: Node, u: Piece, v: Piece, dot: bool) -> Piece:
    if SCALAR in (u.shape, v.shape) or ANY in (u.shape, v.shape):
        shape = v.shape if u.shape == SCALAR or (u.shape == ANY and v.shape != SCALAR) else u.shape
        return Piece(node, shape, _scaled(u, v))
    (p, q), (r, s) = u.shape, v.shape
    if dot and (None in u.shape) and u.shape == v.shape:
        return Piece(node, SCALAR, lambda run: sum(map(mul, entries(u.value(run)), entries(v.value(run))), 0))
    if q != r:
        raise NoValue(f"{shape_in_words(u.shape)} times {shape_in_words(v.shape)}")

    def matrix(run: Run) -> Any:
        columns = list(zip(*v.value(run), strict=True))
        return [[sum(map(mul, row, column), 0) for column in columns] for row in u.value(run)]

    if (p, s) == SCALAR:
        return Piece(node, SCALAR, lambda run: matrix(run)[0][0])
    return Piece(node, (p, s), matrix)


def _scaled(u: Piece, v: Piece) -> Value:
    f, g = u.value, v.value
    arrays = [p.shape not in (SCALAR, ANY) for p in (u, v)]
    if not any(arrays):
        return lambda run: f(run) * g(run)
    if arrays[0]:
        f, g = g, f

    def scaled(run: Run) -> Any:
        c = f(run)
        return [[c * entry for entry in row] for row in g(run)]

    return scaled


def transposed(node: Node, piece: Piece) -> Piece:
    """Rows for columns."""
    if piece.shape in (SCALAR, ANY):
        return Piece(node, piece.shape, piece.value, (piece,))
    rows, columns = piece.shape
    return Piece(node, (columns, rows), lambda run: [list(c) for c in zip(*piece.value(run), strict=True)], (piece,))


def diagonal(node: Node, piece: Piece) -> Piece:
    """The diagonal matrix of a vector."""
    rows, columns = piece.shape
    if piece.shape == SCALAR:
        return piece
    if piece.shape == ANY or (rows is not None and columns is not None):
        raise NoValue(f"the diagonal matrix of {shape_in_words(piece.shape)}")
    axis = rows or columns

    def matrix(run: Run) -> Any:
        values = entries(piece.value(run))
        return [[v if i == j else 0 for j in range(len(values))] for i, v in enumerate(values)]

    return Piece(node, (axis, axis), matrix, (piece,))


def summed(node: Node, piece: Piece, over_examples: bool) -> Piece:
    """np.sum over the one axis that is (or is not) the examples'."""
    found = [n for n, axis in enumerate(piece.shape) if axis is not None and (axis == EXAMPLES) == over_examples]
    if len(found) != 1 or piece.shape == ANY:
        raise NoValue(f"the sum over the {'examples' if over_examples else 'neurons'} of {shape_in_words(piece.shape)}")
    shape: Shape = (None, piece.shape[1]) if found[0] == 0 else (piece.shape[0], None)

    def collapsed(run: Run) -> Any:
        rows = piece.value(run)
        out = [[sum(c, 0) for c in zip(*rows, strict=True)]] if found[0] == 0 else [[sum(row, 0)] for row in rows]
        return out[0][0] if shape == SCALAR else out

    return Piece(node, shape, collapsed, (piece,))
