"""The syntax tree read as numbers: each piece gets its shape, and a function from a run to its value.

Here is found what every index ranges over, which layers must exist, and whose sigma is meant. It shares nothing with the
reading that the proof goes by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from operator import mul
from typing import Any

from ..notation import tree
from ..notation.tree import ALL, EXAMPLES, Layer, Node
from .epsilon import EXACT, FUNCTIONS, LARGEST_EXPONENT, divide, exp, log, ordinary, power, sqrt
from .leaves import LOWEST, Leaves, Place, Scope
from .network import Run
from .shapes import ANY, SCALAR, Axis, Binder, Demand, NoValue, Shape, number, placed, repeated, shape_in_words, upward
from .values import Piece, Value, count, diagonal, entries, entrywise, hadamard, in_a_row, mapped, summed, total, transposed


def transcendental(*sides: Node) -> bool:
    """Does a side leave the rational numbers: exp, log, sqrt, tanh, a norm that is not squared, a power that is not whole?"""
    norms = 0
    for node in (n for side in sides for n in tree.descendants(side)):
        match node:
            case tree.Apply(function=f) if f not in (*EXACT, "sigma", "diag"):
                return True
            case tree.Norm():
                norms += 1
            case tree.Power(base, exponent):
                n = _whole(exponent)
                if n is None:
                    return True
                norms -= isinstance(base, tree.Norm) and n % 2 == 0
    return norms > 0


def derivatives(node: Node) -> int:
    """How many derivatives are taken one in another: what must not vanish for want of degree."""
    own = 0
    match node:
        case tree.Apply(function="sigma", order=own):
            pass
        case tree.Partial() | tree.Quantity(letter="delta"):
            own = 1
    return own + max(map(derivatives, tree.children(node)), default=0)


class Reading(Leaves):
    """One line, or a cost: its two sides are read with the same one."""

    def read(self, node: Node, scope: Scope) -> Piece:
        """The piece of a node, with what its sums bind in scope. Raises NoValue."""
        match node:
            case tree.Add(()) | tree.Product(()):
                raise NoValue(f"{type(node).__name__.lower()} of nothing")
            case tree.Number(value):
                return Piece(node, SCALAR, lambda run: run.number(value))
            case tree.Quantity():
                return self._quantity(node, scope)
            case tree.Variable(name):
                self.demands.names.add(name)
                return Piece(node, SCALAR, lambda run: run.variable(name))
            case tree.Size(layer):
                axis = self._layer(layer, LOWEST["n"])
                return Piece(node, SCALAR, lambda run: count(run, axis))
            case tree.Ones(layer):
                rows = self._axis(self._layer(layer, LOWEST["n"]))
                return Piece(node, (rows, None), lambda run: [[1]] * count(run, rows) if rows else 1)
            case tree.Add(terms):
                return total(node, [self.read(term, scope) for term in terms])
            case tree.Negative(body):
                piece = self.read(body, scope)
                return Piece(node, piece.shape, _entries_of(piece, lambda v: -v), (piece,))
            case tree.Product(factors, kind):
                pieces = [self.read(factor, scope) for factor in factors]
                return hadamard(node, pieces) if kind == "hadamard" else in_a_row(node, pieces, kind == "dot")
            case tree.Quotient(above, below):
                return hadamard(node, [self.read(above, scope), self.read(below, scope)], divide, "/")
            case tree.Power(base, exponent):
                return self._power(node, base, exponent, scope)
            case tree.Transpose(body):
                return transposed(node, self.read(body, scope))
            case tree.Norm(body):
                piece = self._squares(node, self.read(body, scope))
                return replace(piece, value=lambda run: sqrt(piece.value(run)))
            case tree.Sum():
                return self._sum(node, scope)
            case tree.SumOver(body, axis_name):
                return summed(node, self.read(body, scope), axis_name == "examples")
            case tree.Apply():
                return self._apply(node, scope)
            case tree.Partial():
                return self._partial(node, scope)
            case tree.Kronecker(i, j):
                return self._kronecker(node, i, j, scope)
            case tree.Identity():
                return Piece(node, ANY, lambda run: 1)
            case tree.Repeat():
                return self._repeat(node, scope)
        raise NoValue(f"{type(node).__name__.lower()} has no value")

    # ------------------------------------------------------------------------------------------------- sums, powers, functions

    def _sum(self, node: tree.Sum, scope: Scope) -> Piece:
        over = node.over if node.over is None else self._layer(node.over, LOWEST["n"])
        binder = Binder(node.index, over, len(self._repeats))
        self._bound.append(binder)
        body = self.read(node.body, {**scope, node.index: binder})
        value = body.value

        def added(run: Run) -> Any:
            terms = []
            for run.index[binder] in range(count(run, self.axis(binder))):  # noqa: B020
                run.check_time()
                terms.append(value(run))
            if body.shape in (SCALAR, ANY):
                return sum(terms, 0)
            return [[sum(at, 0) for at in zip(*rows, strict=True)] for rows in zip(*terms, strict=True)]

        return Piece(node, body.shape, added, (body,), binder)

    def _squares(self, node: Node, piece: Piece) -> Piece:
        if piece.shape == ANY:
            raise NoValue("the norm of an identity matrix")
        return Piece(node, SCALAR, lambda run: sum((v * v for v in entries(piece.value(run))), 0), (piece,))

    def _power(self, node: Node, base: Node, exponent: Node, scope: Scope) -> Piece:
        n = _whole(exponent)
        if n is not None and isinstance(base, tree.Norm) and n % 2 == 0:
            squares = self._squares(node, self.read(base.body, scope))
            return replace(squares, value=lambda run: power(squares.value(run), n // 2))
        piece = self.read(base, scope)
        if piece.shape == ANY:
            raise NoValue("a power of an identity matrix")
        if n is not None:
            if abs(n) > LARGEST_EXPONENT:
                raise NoValue(f"a power of {n}: numbers are computed up to {LARGEST_EXPONENT}")
            return Piece(node, piece.shape, mapped(lambda v: power(v, n), piece), (piece,))
        index = self.read(exponent, scope)
        if index.shape != SCALAR:
            raise NoValue(f"{shape_in_words(index.shape)} in an exponent")
        return Piece(node, piece.shape, entrywise(_real_power, [piece, index], piece.shape), (piece, index))

    def _apply(self, node: tree.Apply, scope: Scope) -> Piece:
        piece = self.read(node.argument, scope)
        if node.function == "diag":
            return diagonal(node, piece)
        if piece.shape == ANY:
            raise NoValue("a function of an identity matrix")
        if node.function == "sigma":
            return self._sigma(node, piece)
        return Piece(node, piece.shape, mapped(FUNCTIONS[node.function], piece), (piece,))

    def _sigma(self, node: tree.Apply, piece: Piece) -> Piece:
        axes = [axis for axis in piece.shape if axis not in (None, EXAMPLES)]
        layer = node.layer or (axes[0] if len(axes) == 1 else sigma_layer(node.argument))
        order = node.order
        if layer is None:
            return Piece(node, piece.shape, mapped_with(lambda run, v: run.sigma(1, v, order), piece), (piece,))
        p = self._neurons(layer, LOWEST["z"])
        if self.given.softmax:
            if order == 0 and piece.shape[0] == self._axis(p) and piece.shape != SCALAR:
                return Piece(node, piece.shape, lambda run: _vector_valued(run, p, piece.value(run)), (piece,))
            if layer == Layer("L"):
                raise NoValue("sigma of one neuron of the output layer: softmax is a function of all of z^L")
            self._layer(layer, LOWEST["z"], below=1)  # elementwise below the output layer only
        return Piece(node, piece.shape, mapped_with(lambda run, v: run.sigma(number(p, run.layers), v, order), piece), (piece,))

    # ------------------------------------------------------------------------------------------------------------ partials

    def _partial(self, node: tree.Partial, scope: Scope) -> Piece:
        of, by = node.of, node.by
        if isinstance(by, tree.Variable):
            self.demands.names.add(by.name)
            piece = self.read(of, scope)
            return Piece(node, piece.shape, lambda run: run.slope(piece.value, "variable", 0, (by.name,), None), (piece,))
        if not isinstance(by, tree.Quantity) or by.letter not in ("w", "b", "z", "a") or by.layer is None:
            what = by.letter if isinstance(by, tree.Quantity) else f"a {type(by).__name__.lower()}"
            raise NoValue(f"a derivative by {what}: a partial moves w, b, z or a")
        if by.example == ALL and of == tree.Quantity("C", example=ALL):
            of = tree.Quantity("C")
        self._ordered(of, by)
        letter, p = by.letter, self._neurons(by.layer, LOWEST[by.letter])
        axes, places, shape = self._parts(by, scope)
        example = self._example(by.example, scope)
        piece = self.read(of, scope)
        f = piece.value

        def slope(run: Run, at: tuple[int, ...]) -> Any:
            return run.slope(f, letter, number(p, run.layers), at, None if letter in "wb" else example(run))

        if shape == SCALAR:
            fixed = places or tuple((lambda run: 0) for _ in axes)
            return Piece(node, piece.shape, lambda run: slope(run, tuple(place(run) for place in fixed)), (piece,))
        if piece.shape == SCALAR:
            return Piece(node, shape, lambda run: _all_partials(run, slope, axes, places, shape[1] == EXAMPLES), (piece,))
        if piece.shape[1] is None and shape[1] is None:
            jacobian = (piece.shape[0], shape[0])
            return Piece(node, jacobian, lambda run: _jacobian(run, slope, axes[0]), (piece,))
        raise NoValue(f"the derivative of {shape_in_words(piece.shape)} by {shape_in_words(shape)} has no shape")

    def _ordered(self, of: Node, by: tree.Quantity) -> None:
        """The derivative of a^{L-1} by a^{l+1} is written where l + 1 is no layer above L - 1."""
        if isinstance(of, tree.Quantity) and of.layer is not None and by.layer is not None:
            bases = of.layer.base, by.layer.base
            inside = {repeat.var for repeat in self._repeats}
            if bases[0] != bases[1] and (bases[0] == "L" or bases[1] == "") and not inside & set(bases):
                self._layer(of.layer, 1, above=by.layer)

    # ---------------------------------------------------------------------------------------------------------------- dots

    def _repeat(self, node: tree.Repeat, scope: Scope) -> Piece:
        inside = len(self._repeats) + 1
        ends = Binder("<", dots=inside), Binder(">", dots=inside)
        inner = scope
        if node.left is not None:
            inner = {**scope, "<": ends[0], ">": ends[1]}
            self._bound.extend(ends)
        self.demands.variables |= {node.first.base, node.last.base} - {"", "L"} - {r.var for r in self._repeats}
        self._repeats = (*self._repeats, node)
        try:
            self._layer(Layer(node.var), 1)
            block = self.read(node.block, inner)
        finally:
            self._repeats = self._repeats[:-1]
        return self._matrix_dots(node, block) if node.left is None else self._indexed_dots(node, block, ends, scope)

    def _matrix_dots(self, node: tree.Repeat, block: Piece) -> Piece:
        if block.shape == SCALAR and self.given.thin:
            return Piece(node, SCALAR, lambda run: _chained(run, node, block.value, lambda r: 1, mul))
        if None in block.shape or block.shape == ANY:
            raise NoValue(f"dots between {shape_in_words(block.shape)}: they need a matrix")
        shape = self._joined(node, self._repeats, *block.shape)
        return Piece(node, shape, lambda run: _chained(run, node, block.value, lambda r: _eye(count(r, shape[0])), _times))

    def _indexed_dots(self, node: tree.Repeat, block: Piece, ends: tuple[Binder, Binder], scope: Scope) -> Piece:
        if block.shape != SCALAR:
            raise NoValue(f"dots with indices between {shape_in_words(block.shape)}: they need a number")
        indices, repeats = [i for i in (node.left, node.right) if i is not None], self._repeats
        places = [self._end(i, scope) for i in indices]

        def settle() -> None:
            for i, axis in zip(indices, self._joined(node, repeats, *map(self.axis, ends)), strict=True):
                assert axis is not None
                self._place(i, axis, scope)

        self._later.append(settle)

        def matrix(run: Run) -> Any:
            rows, columns = (range(count(run, self.axis(end))) for end in ends)
            return [[self._set(run, ends, (i, j), block.value) for j in columns] for i in rows]

        def entry(run: Run) -> Any:
            i, j = (place(run) for place in places)
            size = count(run, placed(self.axis(ends[0]), node.var, node.first))
            return _chained(run, node, matrix, lambda r: _eye(size), _times)[i][j]

        return Piece(node, SCALAR, entry)

    def _joined(self, node: tree.Repeat, repeats: tuple[tree.Repeat, ...], rows: Axis, columns: Axis) -> Shape:
        """The shape of the product of all blocks. Raises NoValue if one does not fit the next."""
        ends = placed(rows, node.var, node.first), placed(columns, node.var, node.last)
        self.demands.layers += [Demand(axis, 1, repeats) for axis in ends if axis not in (None, EXAMPLES)]
        following = placed(rows, node.var, Layer(node.var, 1 if upward(node) else -1))
        if following != columns and not self.given.thin:
            raise NoValue(f"what the dots stand for does not join: {following} after {columns}")
        return ends

    def _end(self, index: tree.Index, scope: Scope) -> Place:
        if isinstance(index, int):
            return lambda run: index - 1
        binder = self._binder(index, scope)
        return lambda run: run.index[binder]

    @staticmethod
    def _set(run: Run, binders: tuple[Binder, ...], at: tuple[int, ...], value: Value) -> Any:
        run.index.update(zip(binders, at, strict=True))
        return value(run)


def sigma_layer(argument: Node) -> Layer | None:
    """Whose sigma a number is put in: the highest layer of a z, b or w in it; else of an a or delta; else nobody's."""
    found: dict[str, set[Layer]] = {}
    stack = [argument]
    while stack:
        node = stack.pop()
        if isinstance(node, tree.Quantity) and node.layer is not None:
            found.setdefault("own" if node.letter in "zbw" else "other", set()).add(node.layer)
        if not (isinstance(node, tree.Apply) and node.function == "sigma"):
            stack.extend(tree.children(node))
    layers = found.get("own") or found.get("other") or set()
    if len({p.base for p in layers}) > 1:
        raise NoValue(f"whose sigma is meant: of layer {' or '.join(sorted(map(str, layers)))}?")
    return max(layers, key=lambda p: p.offset, default=None)


def mapped_with(f: Callable[[Run, Any], Any], piece: Piece) -> Value:
    """f of each entry, with the run."""
    value = piece.value
    if piece.shape == SCALAR:
        return lambda run: f(run, value(run))
    return lambda run: [[f(run, v) for v in row] for row in value(run)]


def _whole(exponent: Node) -> int | None:
    if isinstance(exponent, tree.Negative):
        n = _whole(exponent.body)
        return None if n is None else -n
    return int(exponent.value) if isinstance(exponent, tree.Number) and exponent.value.denominator == 1 else None


def _real_power(base: Any, exponent: Any) -> Any:
    n = ordinary(exponent)
    if exponent is n and n == int(n) and abs(n) <= LARGEST_EXPONENT:
        return power(base, int(n))
    return exp(exponent * log(base))


def _entries_of(piece: Piece, f: Callable[[Any], Any]) -> Value:
    return (lambda run: f(piece.value(run))) if piece.shape == ANY else mapped(f, piece)


def _vector_valued(run: Run, p: Layer, z: Any) -> Any:
    l = number(p, run.layers)
    columns = [run.output(list(c)) if l == run.net.L else [run.sigma(l, v) for v in c] for c in zip(*z, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


def _all_partials(run: Run, slope: Callable[..., Any], axes: list[Layer], places: tuple[Place, ...], by_examples: bool) -> Any:
    """Every partial of a number by the entries of a quantity; by examples, column x is of example x's quantity."""
    spans: list[Sequence[int]] = [[place(run)] for place in places] or [range(count(run, axis)) for axis in axes]
    if not by_examples:
        found = {at: slope(run, at) for at in product(*spans)}
        return [[found[(i, *rest)] for rest in product(*spans[1:])] for i in spans[0]]
    held, columns = run.example, []
    for run.example in range(len(run.net.x)):  # noqa: B020
        columns.append([slope(run, (j,)) for j in spans[0]])
    run.example = held
    return [list(row) for row in zip(*columns, strict=True)]


def _jacobian(run: Run, slope: Callable[..., Any], axis: Layer) -> Any:
    columns = [entries(slope(run, (j,))) for j in range(count(run, axis))]
    return [list(row) for row in zip(*columns, strict=True)]


def _eye(n: int) -> Any:
    return [[int(i == j) for j in range(n)] for i in range(n)]


def _times(u: Any, v: Any) -> Any:
    columns = list(zip(*v, strict=True))
    return [[sum(map(mul, row, column), 0) for column in columns] for row in u]


def _chained(run: Run, node: tree.Repeat, block: Value, unit: Value, times: Callable[[Any, Any], Any]) -> Any:
    """The product of the blocks for each layer that the dots stand for, in their order."""
    span = repeated(node, run.layers) or ()
    result, outer = None, run.layers.get(node.var)
    for p in span:
        run.layers[node.var] = p
        value = block(run)
        result = value if result is None else times(result, value)
    if outer is None:
        run.layers.pop(node.var, None)
    else:
        run.layers[node.var] = outer
    return unit(run) if result is None else result
