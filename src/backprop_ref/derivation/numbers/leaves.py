"""The leaves of a formula: quantities with their layers, indices and examples, and what the network must have for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ..given import Given
from ..notation import tree
from ..notation.tree import ALL, EXAMPLES, Layer, Node
from .network import Run
from .shapes import SCALAR, Axis, Binder, Demand, Demands, NoValue, Shape, number
from .values import Piece, Value

LARGEST_NUMBER = 16  # of a neuron or an example that is written
LOWEST = {"a": 1, "n": 1, "w": 2, "b": 2, "z": 2, "delta": 2, "y": 1}
Place: TypeAlias = Callable[[Run], int]
Scope: TypeAlias = Mapping[str, Binder]  # what the sums around bind


class Leaves:
    """One line, or a cost: what is read with it shares its free indices and its demands."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.demands = Demands()
        self.free: dict[str, Binder] = {}
        self._bound: list[Binder] = []
        self._later: list[Callable[[], None]] = []
        self._repeats: tuple[tree.Repeat, ...] = ()

    def settle(self) -> None:
        """What every index ranges over, now that all is read. Raises NoValue if an index or a shape does not fit."""
        for check in self._later:
            check()
        for binder in (*self._bound, *self.free.values()):
            binder.axis(self.given.thin)

    def axis(self, binder: Binder) -> Layer:
        """What an index ranges over."""
        return binder.axis(self.given.thin)

    # --------------------------------------------------------------------------------------------------- layers and indices

    def _layer(self, layer: Layer, lowest: int, below: int = 0, above: Layer | None = None) -> Layer:
        if layer == EXAMPLES:
            self.demands.many_examples = True
            return layer
        inside = {repeat.var for repeat in self._repeats}
        self.demands.variables |= {layer.base} - inside - {"", "L", EXAMPLES.base}
        repeats = self._repeats if inside & {layer.base, above.base if above else ""} else ()
        self.demands.layers.append(Demand(layer, lowest, repeats, below, above))
        return layer

    def _neurons(self, layer: Layer, lowest: int) -> Layer:
        if layer == EXAMPLES:
            raise NoValue("the examples are no layer")
        return self._layer(layer, lowest)

    def _axis(self, layer: Layer) -> Axis:
        return None if self.given.thin and layer != EXAMPLES else layer

    def _place(self, index: tree.Index, axis: Layer, scope: Scope) -> Place:
        """How an index's value is found, from 0; what it ranges over is noted."""
        if isinstance(index, int):
            self._numbered(index, axis)
            return lambda run: index - 1
        binder = self._binder(index, scope)
        if axis.base in {repeat.var for repeat in self._repeats[binder.dots :]}:
            raise NoValue(f"{index} ranges over a layer that dots stand for, and stands outside of them")
        binder.root().axes.add(axis)
        return lambda run: run.index[binder]

    def _numbered(self, index: int, axis: Layer) -> None:
        if index < 1 or (self.given.thin and index > 1 and axis != EXAMPLES):
            raise NoValue(f"there is no neuron {index}" + (" in a layer of one neuron" if index > 0 else ": they count from 1"))
        if index > LARGEST_NUMBER:
            raise NoValue(f"neuron or example {index}: numbers are computed up to {LARGEST_NUMBER}")
        if axis == EXAMPLES:
            self.demands.examples = max(self.demands.examples, index)
        elif index > 1:
            self.demands.neurons.append((axis, index))

    def _binder(self, index: str, scope: Scope) -> Binder:
        return scope[index] if index in scope else self.free.setdefault(index, Binder(index))

    def _example(self, example: tree.Index | None, scope: Scope) -> Place:
        if example is None or example == ALL:
            self.demands.many_examples |= example == ALL
            return lambda run: run.example
        self.demands.many_examples = True
        return self._place(example, EXAMPLES, scope)

    # ---------------------------------------------------------------------------------------------------------- the leaves

    def _quantity(self, node: tree.Quantity, scope: Scope) -> Piece:
        if node.letter in ("C", "J"):
            return self._cost(node, scope)
        if node.layer is None:
            raise NoValue(f"{node.letter} without a layer")
        if node.letter == "y" and node.layer != Layer("L"):
            raise NoValue("y is of layer L")
        letter, p = node.letter, self._neurons(node.layer, LOWEST[node.letter])
        _, places, shape = self._parts(node, scope)
        example = self._example(node.example, scope)
        vectors: dict[str, Callable[[Run, int], list[Any]]] = {
            "a": lambda run, x: run.a(number(p, run.layers), x),
            "z": lambda run, x: run.z(number(p, run.layers), x),
            "delta": lambda run, x: run.delta(number(p, run.layers), x),
            "y": lambda run, x: run.y(x),
            "b": lambda run, x: run.b(number(p, run.layers)),
        }
        if letter == "w":
            return Piece(node, shape, _of_matrix(lambda run: run.w(number(p, run.layers)), places, shape))
        vector = vectors[letter]
        if node.example == ALL and letter != "b":
            return Piece(node, shape, _of_matrix(lambda run: _columns(vector, run), (*places, None), shape))
        if places:
            (j,) = places
            return Piece(node, shape, lambda run: vector(run, example(run))[j(run)])
        if shape == SCALAR:
            return Piece(node, shape, lambda run: vector(run, example(run))[0])
        return Piece(node, shape, lambda run: [[v] for v in vector(run, example(run))])

    def _parts(self, node: tree.Quantity, scope: Scope) -> tuple[list[Layer], tuple[Place, ...], Shape]:
        """The axes of a quantity of a layer, the places of its indices (none, or one an axis), and its shape."""
        assert node.layer is not None
        axes = [node.layer, node.layer + -1] if node.letter == "w" else [node.layer]
        if node.indices and len(node.indices) != len(axes):
            raise NoValue(f"{node.letter} has {len(axes)} {'indices' if len(axes) > 1 else 'index'}, not {len(node.indices)}")
        places = tuple(self._place(i, axis, scope) for i, axis in zip(node.indices, axes, strict=False))
        rows, columns = (None, None) if node.indices else [*map(self._axis, axes), None][:2]
        if node.example == ALL and node.letter not in "wb":
            columns = EXAMPLES
        return axes, places, (rows, columns)

    def _cost(self, node: tree.Quantity, scope: Scope) -> Piece:
        if node.letter == "J":
            self.demands.many_examples = True
            return Piece(node, SCALAR, lambda run: run.J())
        example = self._example(node.example, scope)
        if node.example == ALL:
            return Piece(node, (None, EXAMPLES), lambda run: [[run.C(x) for x in range(len(run.net.x))]])
        return Piece(node, SCALAR, lambda run: run.C(example(run)))

    def _kronecker(self, node: Node, i: tree.Index, j: tree.Index, scope: Scope) -> Piece:
        if isinstance(i, str) and isinstance(j, str):
            u, v = self._binder(i, scope), self._binder(j, scope)
            u.join(v)
            return Piece(node, SCALAR, lambda run: int(run.index[u] == run.index[v]))
        if isinstance(i, int) and isinstance(j, int):
            return Piece(node, SCALAR, lambda run: int(i == j))
        name, at = (i, j) if isinstance(i, str) else (j, i)
        binder = self._binder(str(name), scope)
        self._later.append(lambda: self._numbered(int(at), self.axis(binder)))
        return Piece(node, SCALAR, lambda run: int(run.index[binder] == int(at) - 1))


def _of_matrix(matrix: Callable[[Run], Any], places: tuple[Place | None, ...], shape: Shape) -> Value:
    """A whole matrix, or the row, column or entry at the places that are given."""
    row, column = (*places, None, None)[:2]
    if row is None:
        return (lambda run: matrix(run)[0][0]) if shape == SCALAR else (lambda run: matrix(run))
    if column is None:
        return lambda run: [matrix(run)[row(run)]]
    return lambda run: matrix(run)[row(run)][column(run)]


def _columns(vector: Callable[[Run, int], list[Any]], run: Run) -> Any:
    return [list(row) for row in zip(*(vector(run, x) for x in range(len(run.net.x))), strict=True)]
